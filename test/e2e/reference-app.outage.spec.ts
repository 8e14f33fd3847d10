import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardOf, launchBrowser, logIn } from '../support/browser.js';
import { requirement } from '../support/optional.js';
import { startProvidedApp, type ProvidedApp } from '../support/provided-app.js';

const pictures = join(import.meta.dirname, '..', '..', 'test-results');

describe.skipIf(!requirement('chromium').available)('the page when the provider fails', () => {
  let provided: ProvidedApp;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    provided = await startProvidedApp();
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(provided.app.url);
    await logIn(page);
  });
  afterAll(async () => {
    await browser?.close();
    await provided?.stop();
  });

  const status = (): Promise<string> => cardOf(page, 'test').status();
  const notice = (): Promise<string> => cardOf(page, 'test').of('notice').innerText();
  const refresh = () => page.getByRole('button', { name: 'Refresh now' }).click();
  const happened = (text: RegExp) => page.locator('#log li', { hasText: text }).first().waitFor();
  const picture = (name: string) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });

  it('says that the provider does not answer, and that calls go on', async () => {
    provided.provider.faults.fail(500, {}, '<h1>Sorry</h1>', 100);
    await refresh();
    await happened(/The provider does not answer right now\. Nothing is lost/);
    await expect.poll(status).toBe('Provider does not answer');
    expect(await notice()).toContain('The token in hand is still good, so calls go on as before.');
    await page.getByRole('button', { name: 'Call the API' }).click();
    await happened(/The API answered 200/);
    await picture('outage');
  });

  it('sees for itself when the provider is back', async () => {
    provided.provider.faults.clear();
    await expect
      .poll(async () => (await page.getByRole('button', { name: 'Refresh now' }).click(), status()), {
        interval: 1000,
        timeout: 90_000,
      })
      .toBe('Active');
    // What was pressed last is still under way, and must not meet what the provider does next.
    await page.getByRole('button', { name: 'Refresh now', disabled: false }).waitFor();
  });

  it('asks the user to log in again when the provider has ended the grant, and goes on after that', async () => {
    provided.provider.faults.fail(400, {}, { error: 'invalid_grant' });
    await refresh();
    await page.getByRole('heading', { name: 'You were logged out' }).waitFor();
    await page.getByText('The provider no longer accepts your log-in').waitFor();
    await picture('log-in-needed');
    await page.getByRole('link', { name: 'Log in with the test provider' }).click();
    await page.getByRole('heading', { name: 'Hello, ada' }).waitFor();
    await picture('provider-consent');
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await expect.poll(status).toBe('Active');
  });

  it('says when the app itself does not answer', async () => {
    expect(await provided.app.exit('SIGTERM')).toBe(0);
    await page.getByText('The app does not answer.').waitFor();
    await picture('app-away');
  });
});

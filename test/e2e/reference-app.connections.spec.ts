import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardOf, connect, launchBrowser, logIn } from '../support/browser.js';
import { requirement } from '../support/optional.js';
import { ReferenceApp } from '../support/reference-app.js';

const pictures = join(import.meta.dirname, '..', '..', 'test-results');
const patient = { timeout: 90_000, interval: 500 };

describe.skipIf(!requirement('chromium').available)('several connections on the page', () => {
  let app: ReferenceApp;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    app = await ReferenceApp.start({ LOCAL_ACCESS_TOKEN_SECONDS: '12' });
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(app.url);
    await logIn(page);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.remove();
  });

  const local = () => cardOf(page, 'local');
  const second = () => cardOf(page, 'second');
  const picture = (name: string) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  const happened = (text: RegExp) => page.locator('#log li', { hasText: text }).first().waitFor();
  const fitsOnAPhone = async (): Promise<boolean> => {
    await page.setViewportSize({ width: 390, height: 844 });
    const fits = await page.evaluate('document.documentElement.scrollWidth <= innerWidth');
    await page.setViewportSize({ width: 1280, height: 900 });
    return fits as boolean;
  };

  it('are made one after the other, with an account of their own', async () => {
    await connect(page, 'the second provider', 'grace');
    await expect.poll(second().status, patient).toBe('Active');
    expect(await local().status()).toBe('Active');
    expect(await page.locator('#user').innerText()).toBe('ada');
    await second().of('call').click();
    await expect.poll(() => second().of('answer').innerText(), patient).toMatch(/"sub":"grace"/);
    await picture('connections');
    expect(await fitsOnAPhone()).toBe(true);
  });

  it('show an answer while it comes', async () => {
    await second().of('path').selectOption('/ticks');
    await second().of('call').click();
    await expect.poll(() => second().of('answer').innerText(), patient).toMatch(/"tick":1/);
    await expect.poll(() => second().of('answer').innerText(), patient).toMatch(/"tick":5/);
  });

  it('say calmly that a provider fails, while the other one goes on', async () => {
    await local().card.getByText('Let something go wrong').click();
    await local().of('outage').click();
    await local().of('refresh').click();
    await expect.poll(local().status, patient).toBe('Provider does not answer');
    expect(await local().of('notice').innerText()).toMatch(
      /still good, so calls go on as before\. Tokenward will try again (at|any moment)/,
    );
    expect(await second().status()).toBe('Active');
    await picture('outage-of-one');
    expect(await fitsOnAPhone()).toBe(true);
  });

  it('say what it means that a token has run out meanwhile, and when to try again', async () => {
    await expect.poll(() => local().of('notice').innerText(), patient).toMatch(/The token has run out/);
    await local().of('call').click();
    await expect
      .poll(() => local().of('answer').innerText(), patient)
      .toMatch(/^The provider does not answer right now\. Nothing is lost\. Try again at \d/);
    await picture('outage-expired');
  });

  it('go on when the provider is back', async () => {
    await local().of('outage').click();
    await expect
      .poll(async () => (await local().of('refresh').click(), local().status()), patient)
      .toBe('Active');
    await happened(/The provider answers again\./);
  });

  it('ask for a new log-in where the provider has ended one, and go on after it', async () => {
    await second().card.getByText('Let something go wrong').click();
    await second().of('withdraw').click();
    await happened(/Your permission was withdrawn at the provider/);
    await expect.poll(second().status, patient).toBe('Log-in needed');
    expect(await second().of('notice').innerText()).toMatch(/Log in again, and everything goes on/);
    await picture('log-in-needed-of-one');
    expect(await local().status()).not.toBe('Log-in needed');
    await second().card.getByRole('link', { name: 'Log in again' }).first().click();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await expect.poll(second().status, patient).toBe('Active');
  });

  it('end one by one, after a question', async () => {
    await second().of('disconnect').click();
    await page.getByRole('heading', { name: 'Disconnect the second provider?' }).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('link', { name: 'Connect the second provider' }).waitFor();
    expect(await second().card.count()).toBe(0);
    await page.locator('#connections-title:focus').waitFor();
    expect(await local().card.count()).toBe(1);
  });

  it('are told to the user as a log-out where the session hangs on one', async () => {
    await local().of('disconnect').click();
    await page.getByText('this logs you out as well').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('heading', { name: 'You were logged out' }).waitFor();
    expect(await page.locator('#connections').innerHTML()).toBe('');
  });
});

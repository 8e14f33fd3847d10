import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchBrowser, logIn } from '../support/browser.js';
import { requirement } from '../support/optional.js';
import { ReferenceApp } from '../support/reference-app.js';

const pictures = join(import.meta.dirname, '..', '..', 'test-results');
const soon = { timeout: 90_000 };
const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

describe.skipIf(!requirement('chromium').available)('the sessions on the page', () => {
  let app: ReferenceApp;
  let browser: Browser;
  let laptop: Page;
  let phone: Page;
  /** Another one in each test, who has no session from the one before. */
  let user: string;
  let users = 0;

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    app = await ReferenceApp.start({ LOCAL_ACCESS_TOKEN_SECONDS: '3600' });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.remove();
  });
  beforeEach(async () => {
    user = `user-${(users += 1)}`;
    laptop = await loggedIn({ viewport: { width: 1280, height: 900 } });
    phone = await loggedIn({ viewport: { width: 390, height: 844 }, userAgent: iPhone });
    await laptop.bringToFront();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });

  async function loggedIn(options: Parameters<Browser['newContext']>[0]): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(app.url);
    await logIn(page, user);
    return page;
  }
  const devices = (page: Page) => page.locator('#devices li');
  const goneFrom = (page: Page) => page.getByRole('heading', { name: 'You were logged out' }).waitFor();
  const picture = (page: Page, name: string) =>
    page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  /** What the other user of this browser could see. */
  const shown = (page: Page): Promise<string> => page.evaluate('document.body.textContent');

  it('are listed with the device in use first', async () => {
    await expect.poll(() => devices(laptop).count(), soon).toBe(2);
    const [first, second] = await devices(laptop).allInnerTexts();
    expect(first).toMatch(/^Chrome on Linux\s+This device\s+Logged in .* · last seen /);
    expect(second).toMatch(/^Safari on iPhone\s+Logged in /);
    await picture(laptop, 'sessions');
  });

  it('leave nothing in the browser that a script could read', async () => {
    const places = `[
      localStorage.length,
      sessionStorage.length,
      document.cookie,
      indexedDB.databases().then((all) => all.length),
      caches.keys().then((all) => all.length),
    ]`;
    await devices(laptop).first().waitFor();
    expect(await laptop.evaluate(`Promise.all(${places})`)).toEqual([0, 0, '', 0, 0]);
  });

  it('are ended from another device, whose page says so at once and forgets whom it was about', async () => {
    await laptop.getByRole('button', { name: 'End the session on Safari on iPhone' }).click();
    await goneFrom(phone);
    expect(await shown(phone)).not.toContain(user);
    await picture(phone, 'logged-out-by-another-device');
    await expect.poll(() => devices(laptop).count(), soon).toBe(1);
    await laptop.getByText('You are logged in on this device only.').waitFor();
    await laptop.locator('#devices-title:focus').waitFor();
  });

  it('of all other devices are ended together, after a question', async () => {
    const others = laptop.getByRole('button', { name: 'Log out the others' });
    await others.press('Enter');
    await laptop.getByRole('heading', { name: 'Log out 1 other device?' }).waitFor();
    await laptop.keyboard.press('Escape');
    await laptop.locator('#end-others:focus').press('Enter');
    await laptop.getByRole('dialog').getByRole('button', { name: 'Log out the others' }).press('Enter');
    await laptop.locator('#log li', { hasText: 'Logged out 1 other device' }).waitFor();
    await goneFrom(phone);
    expect(await laptop.locator('#user').innerText()).toBe(user);
  });

  it('end in all tabs of a browser, and "back" brings nothing back', async () => {
    const tab = await laptop.context().newPage();
    await tab.goto(app.url);
    await tab.getByRole('heading', { name: 'Your connections' }).waitFor();
    await laptop.bringToFront();
    await laptop.getByRole('button', { name: 'Log out', exact: true }).click();
    await laptop.getByRole('heading', { name: 'Sign out here, too?' }).waitFor();
    await goneFrom(tab);
    expect(await shown(tab)).not.toContain(user);
    await laptop.goBack();
    await laptop.getByRole('heading', { name: 'Watch a token live' }).waitFor();
    expect(await laptop.locator('#connections, #devices, #log, #user').allInnerTexts()).toEqual([
      '',
      '',
      '',
      '',
    ]);
  });
});

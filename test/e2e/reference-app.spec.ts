import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardOf, launchBrowser, logIn } from '../support/browser.js';
import { requirement } from '../support/optional.js';
import { ReferenceApp } from '../support/reference-app.js';
import { bytesOf, tokensIn } from '../support/token-search.js';
import { Witness } from '../support/witness.js';

const pictures = join(import.meta.dirname, '..', '..', 'test-results');
const chromium = requirement('chromium');

describe.skipIf(!chromium.available)('the reference app as its user sees it', () => {
  let app: ReferenceApp;
  let browser: Browser;
  let page: Page;
  let witness: Witness;
  /** Every address the browser has asked for, and everything the app has answered. */
  const traffic: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    app = await ReferenceApp.start({ LOCAL_ACCESS_TOKEN_SECONDS: '10', LOG_LEVEL: 'verbose' });
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('request', (request) => traffic.push(request.url()));
    page.on('response', async (response) => {
      if (response.url().startsWith(app.url)) traffic.push(await response.text().catch(() => ''));
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // The browser notes it when the app says that nobody is logged in any more, which is what it is asked for.
      if (message.type() === 'error' && !/status of 401/.test(message.text()))
        complaints.push(message.text());
    });
    await page.goto(app.url);
  });
  afterAll(async () => {
    await browser?.close();
    await witness?.close();
    await app?.remove();
  });

  const picture = (name: string) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  const local = () => cardOf(page, 'local');
  const fact = (name: string): Promise<string> =>
    page.locator('.facts div', { hasText: name }).locator('dd').innerText();
  const refreshes = async (): Promise<number> => Number(await fact('Refreshes so far'));
  const happened = (text: RegExp) => page.locator('#log li', { hasText: text }).first();

  it('says what there is to see, and offers to log in', async () => {
    await page.getByRole('heading', { name: 'Watch a token live' }).waitFor();
    await picture('logged-out');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('logged-out-dark');
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('logs in at the provider', async () => {
    await page.getByRole('link', { name: 'Log in with the local provider' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await picture('provider-log-in');
    await page.goto(app.url);
    await logIn(page);
    witness = await Witness.of(app);
    await expect.poll(local().status).toBe('Active');
    expect(await page.locator('#user').innerText()).toBe('ada');
    expect(await refreshes()).toBe(0);
  });

  it('shows the token as the database holds it', async () => {
    const shown = (): Promise<string> => page.locator('[data-of=refreshToken]').innerText();
    const isStored = async (): Promise<boolean> =>
      Object.values((await witness.columns()) as object).includes(await shown());
    expect(await shown()).toMatch(/^tm1\.[\w-]+$/);
    await expect.poll(isStored).toBe(true);
  });

  it('calls the API, also by keyboard alone', async () => {
    await page.getByRole('button', { name: 'Call the API' }).focus();
    await page.keyboard.press('Enter');
    await happened(/The API answered 200/).waitFor();
    expect(await local().of('answer').innerText()).toMatch(/The API answered 200\.\s+\{"sub":"ada"/);
    const focused = page.locator('[data-of=call][aria-disabled=false]:focus');
    await focused.press('Enter');
    await expect.poll(() => page.locator('#log li', { hasText: 'The API answered 200' }).count()).toBe(2);
    await page.keyboard.press('Tab');
    await local().card.locator('[data-of=answer]:focus').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Call it 50 times at once');
  });

  it('hands a guarded route the token, and shows all of it but its value', async () => {
    await page.getByRole('button', { name: 'Ask a guarded route' }).click();
    await happened(/was handed a token: Bearer/).waitFor();
  });

  it('shows the token being refreshed by itself', async () => {
    const before = {
      refreshes: await refreshes(),
      sealed: await page.locator('[data-of=accessToken]').innerText(),
    };
    await expect.poll(refreshes, { timeout: 90_000 }).toBeGreaterThan(before.refreshes);
    await happened(/Refreshed in the background/).waitFor();
    expect(await page.locator('[data-of=accessToken]').innerText()).not.toBe(before.sealed);
    await expect.poll(local().status).toBe('Active');
  });

  it('serves 50 calls at once with at most one exchange', async () => {
    await page.getByRole('button', { name: 'Call it 50 times at once' }).click();
    await happened(/50 calls at once: 50 answered OK, [01] exchanges? with the provider/).waitFor();
  });

  it('refreshes when asked to', async () => {
    const before = await refreshes();
    await page.getByRole('button', { name: 'Refresh now' }).click();
    await happened(/Refreshed because you asked/).waitFor();
    await expect.poll(refreshes).toBeGreaterThan(before);
    await picture('light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await picture('phone');
  });

  it('forgets the tokens and has the provider revoke the grant at log-out', async () => {
    const before = await refreshes();
    await page.getByRole('button', { name: 'Refresh now' }).click();
    await expect.poll(refreshes).toBeGreaterThan(before);
    const last = (await witness.accessToken())!;
    const callApi = (): Promise<Response> =>
      fetch(`${app.api}/me`, { headers: { authorization: `Bearer ${last.value}` } });
    expect((await callApi()).status).toBe(200);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Sign out here, too?' }).waitFor();
    expect((await witness.stored()).status).toBe('revoked');
    expect(await witness.columns()).toEqual({ access_ct: null, refresh_ct: null, id_ct: null });
    expect((await callApi()).status).toBe(401);
    expect(last.expiresAt!.getTime(), 'it was refused although it had not expired').toBeGreaterThan(
      Date.now(),
    );
    await page.setViewportSize({ width: 1280, height: 900 });
    await picture('provider-log-out');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Watch a token live' }).waitFor();
  });

  it('counts from nought after a new log-in', async () => {
    await logIn(page);
    expect(await refreshes()).toBe(0);
  });

  it('has shown no error on the way', () => {
    expect(complaints).toEqual([]);
  });

  it('has let no token out: not into the database, not into a log, not to the browser', async () => {
    expect(witness.seen.size).toBeGreaterThanOrEqual(9);
    const shown = await page.locator('[data-of=accessToken]').innerText();
    await expect.poll(() => tokensIn(traffic.join('\n'), [shown])).toEqual([shown]);
    const places = {
      database: bytesOf(app.dataDirectory),
      output: app.output + app.errors,
      browser: traffic.join('\n'),
    };
    for (const [place, content] of Object.entries(places)) {
      expect(tokensIn(content, witness.seen), place).toEqual([]);
    }
    // The search works: it finds what is known to be there, and a token that is put there.
    expect(tokensIn(places.database, ['local:ada'])).toHaveLength(1);
    expect(tokensIn(places.output, [app.url])).toHaveLength(1);
    expect(tokensIn(planted(app, [...witness.seen][0]!), witness.seen)).toHaveLength(1);
  });

  it('stops at Ctrl-C with all that came along', async () => {
    await witness.close();
    expect(await app.exit('SIGINT')).toBe(0);
    expect(app.errors).toBe('');
    expect(app.output).not.toMatch(/\n +at /);
    await expect(fetch(app.provider)).rejects.toThrow('fetch failed');
    await expect(fetch(app.api)).rejects.toThrow('fetch failed');
    expect(tokensIn(bytesOf(app.dataDirectory), witness.seen), 'after the database was closed').toEqual([]);
  });
});

/** The bytes of a copy of the database into which a token was written as it is. */
function planted(app: ReferenceApp, token: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'tokenward-planted-'));
  const file = join(directory, 'planted.sqlite');
  copyFileSync(app.database, file);
  const database = new Database(file);
  database.exec('CREATE TABLE planted (value text)');
  database.prepare('INSERT INTO planted VALUES (?)').run(token);
  database.close();
  const bytes = bytesOf(directory);
  rmSync(directory, { recursive: true });
  return bytes;
}

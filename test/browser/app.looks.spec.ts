import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, logIn } from '../support/browser.js';
import { requirement } from '../support/optional.js';
import { ReferenceApp } from '../support/reference-app.js';
import { faultsInEachLook } from '../support/web/looks.js';
import { knowOperator } from '../support/web/person.js';
import { callApi, endOthers, seesEnd } from './app-suite.js';

const chromium = requirement('chromium');

/** Each state in light and dark, on a desk and on a phone: pictures in `test-results`, and what axe-core finds. */
describe.skipIf(!chromium.available)('everybody can read and use', () => {
  let app: ReferenceApp;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    app = await ReferenceApp.start({ LOCAL_ACCESS_TOKEN_SECONDS: '20' });
    browser = await launchBrowser();
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.remove();
  });

  const cards = (text: string | RegExp): Locator => page.locator('article', { hasText: text });
  const open = async (card: Locator, summary: string): Promise<void> => card.getByText(summary).click();
  const press = (where: Page | Locator, name: string): Promise<void> =>
    where.getByRole('button', { name, exact: true }).first().click();

  it('the page before the log-in', async () => {
    await page.goto(app.url);
    await page.getByRole('link', { name: 'Log in with' }).first().waitFor();
    expect(await faultsInEachLook(page, 'app-logged-out')).toEqual([]);
  });

  it('the log-in form of the local provider, and what it says when it is left empty', async () => {
    await page.getByRole('link', { name: 'Log in with' }).first().click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await faultsInEachLook(page, 'provider-sign-in')).toEqual([]);
    await press(page, 'Sign in and allow');
    await page.getByRole('alert').waitFor();
    expect(await faultsInEachLook(page, 'provider-sign-in-fault')).toEqual([]);
  });

  it('connections and sessions', async () => {
    const phone = await browser.newContext({ userAgent: 'Mozilla/5.0 (iPhone) Version/18.0 Safari/604.1' });
    const other = await phone.newPage();
    await other.goto(app.url);
    await logIn(other);
    await phone.close();
    await page.goto(app.url);
    await logIn(page);
    await page.getByRole('button', { name: 'Log out the others' }).waitFor();
    expect(await callApi(page)).toMatch(/answered 200/);
    expect(await faultsInEachLook(page, 'app-logged-in')).toEqual([]);
  });

  it('connections of which the details are folded away', async () => {
    await open(cards('local provider').first(), 'What the database holds');
    expect(await faultsInEachLook(page, 'app-folded')).toEqual([]);
    await open(cards('local provider').first(), 'What the database holds');
  });

  it('two connections, of which one needs a log-in', async () => {
    await page.getByRole('link', { name: /^Connect/ }).click();
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password').fill('a password');
    await press(page, 'Sign in and allow');
    const second = cards(/second provider/i);
    await second.getByText('Active', { exact: true }).waitFor();
    await open(second, 'Let something go wrong');
    await press(second, 'Withdraw your permission there');
    await second.getByText('Log-in needed', { exact: true }).waitFor();
    expect(await faultsInEachLook(page, 'app-log-in-needed')).toEqual([]);
  });

  it('an outage of the provider', async () => {
    const first = cards('The local provider').first();
    await open(first, 'Let something go wrong');
    await press(first, 'Let the provider fail for 45 s');
    await first.getByText('Provider does not answer', { exact: true }).waitFor();
    expect(await faultsInEachLook(page, 'app-outage')).toEqual([]);
    await press(first, 'Let it answer again');
  });

  it('a question before something is ended', async () => {
    await page.getByRole('button', { name: 'Log out the others' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await faultsInEachLook(page, 'app-question')).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  });

  it('that the network is away', async () => {
    await context.setOffline(true);
    await page.getByText('You are offline.').waitFor();
    expect(await faultsInEachLook(page, 'app-offline')).toEqual([]);
    await context.setOffline(false);
    await page.getByText('You are offline.').waitFor({ state: 'hidden' });
  });

  it('that the session was ended elsewhere', async () => {
    const phone = await browser.newContext();
    const other = await phone.newPage();
    await other.goto(app.url);
    await logIn(other);
    await endOthers(other);
    await phone.close();
    await seesEnd(page);
    expect(await faultsInEachLook(page, 'app-ended')).toEqual([]);
  });

  it('that a log-in did not work', async () => {
    await page.goto(`${app.url}/auth/callback/local?state=made-up&error=access_denied`);
    await page.getByRole('heading', { name: 'no longer valid' }).waitFor();
    expect(await faultsInEachLook(page, 'app-log-in-fault')).toEqual([]);
  });

  it('the pages on which the local provider asks, and says that a user has gone', async () => {
    await page.goto(app.url);
    await page.getByRole('link', { name: 'Log in with' }).first().click();
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    expect(await faultsInEachLook(page, 'provider-allow')).toEqual([]);
    await press(page, 'Allow');
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByRole('heading', { name: 'Sign out here, too?' }).waitFor();
    expect(await faultsInEachLook(page, 'provider-log-out')).toEqual([]);
    await page.goto(`${app.provider}/session/end`);
    await press(page, 'Sign out');
    await page.getByRole('heading', { name: 'Signed out' }).waitFor();
    expect(await faultsInEachLook(page, 'provider-signed-out')).toEqual([]);
    await page.goto(`${app.provider}/auth?client_id=unheard-of`);
    await page.getByRole('heading', { name: 'That did not work' }).waitFor();
    expect(await faultsInEachLook(page, 'provider-fault')).toEqual([]);
  });

  it('the operator’s page, and its questions', async () => {
    await knowOperator(page, app.url, app.adminPassword);
    await page.locator('#jobs li').first().waitFor();
    expect(await faultsInEachLook(page, 'admin')).toEqual([]);
    await press(page, 'Rotate all keys');
    await page.getByRole('dialog').getByText('get successors').waitFor();
    expect(await faultsInEachLook(page, 'admin-question')).toEqual([]);
    await press(page.getByRole('dialog'), 'Cancel');
    await page.getByLabel('Tenant', { exact: true }).fill('default');
    await press(page, 'Shred…');
    await page.getByLabel('Type “default” to confirm').waitFor();
    expect(await faultsInEachLook(page, 'admin-shred')).toEqual([]);
  });
});

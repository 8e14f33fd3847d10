import { chromium, type Browser, type Locator, type Page } from 'playwright-core';

const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** `*.test` is this machine, and any certificate will do. */
const ownInternet = ['--host-resolver-rules=MAP *.test 127.0.0.1', '--ignore-certificate-errors'];

/** A token may live that long before the page shows what has become of it, and the machine may have other work. */
const PATIENCE_MS = 90_000;

export async function launchBrowser(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [...quiet, ...ownInternet],
    // As its users have it, though a browser under test would rather not: "back" shows a page as it was left.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  browser.on('context', (context) => context.setDefaultTimeout(PATIENCE_MS));
  return browser;
}

/** Logs in on a page of the app that shows its log-in buttons, at the form of the first provider. */
export async function logIn(page: Page, name = 'ada'): Promise<void> {
  await page.getByRole('link', { name: 'Log in with' }).first().click();
  await signIn(page, name);
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
}

/** Connects one more provider on the page of somebody who is logged in. */
export async function connect(page: Page, label: string, name = 'ada'): Promise<void> {
  await page.getByRole('link', { name: `Connect ${label}` }).click();
  await signIn(page, name);
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill('a password');
  await page.getByRole('button', { name: 'Sign in and allow' }).click();
}

/** A connection on the page, and what is marked in it with `data-of`. */
export function cardOf(page: Page, provider: string) {
  const card = page.locator(`article[data-provider=${provider}]`);
  const of = (name: string): Locator => card.locator(`[data-of=${name}]`);
  return { card, of, status: (): Promise<string> => of('status').innerText() };
}

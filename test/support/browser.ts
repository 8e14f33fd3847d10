import { chromium, type Browser, type Page } from 'playwright-core';

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

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [...quiet, ...ownInternet],
    // As its users have it, though a browser under test would rather not: "back" shows a page as it was left.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
}

/** Logs in on a page of the app that shows its log-in button, at the form of the provider that comes along. */
export async function logIn(page: Page, name = 'ada'): Promise<void> {
  await page.getByRole('link', { name: 'Log in with' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill('a password');
  await page.getByRole('button', { name: 'Sign in and allow' }).click();
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
}

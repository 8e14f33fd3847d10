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

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: quiet });
}

/** Logs in on a page of the app that shows its log-in button, at the form of the provider that comes along. */
export async function logIn(page: Page, name = 'ada'): Promise<void> {
  await page.getByRole('link', { name: 'Log in with' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill('a password');
  await page.getByRole('button', { name: 'Sign in and allow' }).click();
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
}

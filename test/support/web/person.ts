import type { Browser, BrowserContext, Page } from 'playwright-core';
import { CLOCKS } from '../browser-backend/visitor.js';
import { ADMIN_PASSWORD, type Stage } from './stage.js';

/** Somebody with a browser of their own, who knows the provider's form. */
export class Person {
  private constructor(
    readonly context: BrowserContext,
    private readonly stage: Stage,
  ) {}

  static async arrive(browser: Browser, stage: Stage): Promise<Person> {
    const context = await browser.newContext();
    await context.addInitScript(CLOCKS);
    return new Person(context, stage);
  }

  /** Logged in, at a page that shows it. */
  static async logIn(browser: Browser, stage: Stage, name = 'ada'): Promise<{ person: Person; page: Page }> {
    const person = await Person.arrive(browser, stage);
    return { person, page: await person.logIn(name) };
  }

  async logIn(name = 'ada'): Promise<Page> {
    const page = await this.open('/auth/login/test');
    await fillIn(page, name);
    await page.waitForURL(`${this.stage.url}/`);
    return page;
  }

  async open(path = '/'): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(this.stage.url + path);
    return page;
  }

  leave(): Promise<void> {
    return this.context.close();
  }
}

/** Signs in at the form of the local provider. */
export async function fillIn(page: Page, name = 'ada'): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill('a password');
  await page.getByRole('button', { name: 'Sign in and allow' }).click();
}

/** Leaves the operator's password with the browser, which from then on sends it along with whatever goes to the app. */
export async function knowOperator(page: Page, url: string, password = ADMIN_PASSWORD): Promise<void> {
  const { protocol, host } = new URL(url);
  await page.goto(`${protocol}//admin:${encodeURIComponent(password)}@${host}/admin`);
  // Under an address with a password in it the page itself may not fetch.
  await page.goto(`${url}/admin`);
  await page.getByRole('heading', { name: 'Re-encryption' }).waitFor();
}

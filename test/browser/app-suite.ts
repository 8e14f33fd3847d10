import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { launchBrowser } from '../support/browser.js';
import { requirement } from '../support/optional.js';
import { Person } from '../support/web/person.js';
import { nothing, PLACES } from '../support/web/places.js';
import { Stage, type StageOptions } from '../support/web/stage.js';
import { until } from './suite.js';

export interface AppStage {
  stage: Stage;
  browser: Browser;
  /** Logged in with two tabs of one browser, the first in sight. */
  twoTabs(name?: string): Promise<{ person: Person; page: Page; other: Page }>;
}

/** The reference app in a real browser. After each test no tab has kept anything, and the browser has a cookie that no page can read. */
export function describeApp(name: string, options: StageOptions, tests: (on: AppStage) => void): void {
  // oxlint-disable-next-line vitest/valid-title
  describe.skipIf(!requirement('chromium').available)(name, () => {
    const on = {} as AppStage;
    const people: Person[] = [];

    beforeAll(async () => {
      on.stage = await Stage.start(options);
      on.browser = await launchBrowser();
      on.twoTabs = async (user = 'ada') => {
        const { person, page } = await Person.logIn(on.browser, on.stage, user);
        people.push(person);
        const other = await person.open();
        for (const tab of [page, other]) await seesUser(tab, user);
        return { person, page, other };
      };
    });
    afterAll(async () => {
      await on.browser?.close();
      await on.stage?.stop();
    });

    afterEach(async () => {
      for (const person of people.splice(0)) {
        await expectNothingKept(person, on.stage);
        await person.leave();
      }
    });
    tests(on);
  });
}

/** At the end of a life: what the browser holds of it. */
export async function expectNothingKept({ context }: Person, { url }: Stage): Promise<void> {
  const tabs = context.pages().filter((page) => page.url().startsWith(url));
  for (const tab of tabs) expect(await tab.evaluate(PLACES)).toEqual(nothing(tab));
  const cookies = (await context.cookies(url)).filter(({ name }) => !name.startsWith('local_provider'));
  for (const cookie of cookies)
    expect(cookie).toMatchObject({
      name: expect.stringMatching(/tokenward(-login)?$/),
      domain: new URL(url).hostname,
      path: '/',
      httpOnly: true,
      sameSite: 'Lax',
    });
}

export const seesUser = (page: Page, name = 'ada'): Promise<void> =>
  page.locator('#user', { hasText: name }).waitFor();

export const seesEnd = (page: Page): Promise<void> =>
  page.getByRole('heading', { name: 'You were logged out' }).waitFor();

export const endSaid = (page: Page): Promise<string> => page.locator('#ended-why').innerText();

/** Presses the button, as a user does; resolves to what the page shows of the API's answer. */
export async function callApi(page: Page): Promise<string> {
  const answer = page.locator('[data-of=answer]').first();
  // The card may still be on its way: a locator waits for it.
  await answer.evaluate('(element) => element.replaceChildren()');
  await page.getByRole('button', { name: 'Call the API' }).first().click();
  await until(async () => !['', 'Waiting for the API …'].includes((await answer.innerText()).trim()));
  return answer.innerText();
}

/** On another device: there is a question to answer first. */
export async function endOthers(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out the others' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Log out the others' }).click();
}

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.js';
import { requirement } from '../support/optional.js';
import { Attacker } from '../support/web/attacker.js';
import { attackNames } from '../support/web/attack-names.js';
import type { Passed } from '../support/web/front.js';
import { knowOperator, Person } from '../support/web/person.js';
import { Stage } from '../support/web/stage.js';
import { callApi, seesUser } from './app-suite.js';
import { until } from './suite.js';

/** Whatever changes something for somebody who is logged in, or for the operator. */
const CHANGES = [
  '/auth/logout',
  '/auth/sessions/end-others',
  '/connections/test/refresh',
  '/connections/test',
  '/api/test/orders',
  '/admin/keys/rotate',
  '/admin/tenants/default/shred',
];

/** Whatever tells something that is for one person only, and what changes something when a page asks properly. */
const ANSWERS = [
  '/',
  '/connections',
  '/providers',
  '/auth/session',
  '/auth/session/events',
  '/auth/connect/test?scope=api',
  '/auth/callback/test?error=access_denied&state=made-up',
  '/api/test/me',
  '/admin',
  '/admin/keys',
];

/** Where an attacker may be: at another site, or at another origin of the same site, which has the app's cookies sent. */
export interface Place {
  host: string;
  site: 'same-site' | 'cross-site';
}

/** Every kind of request that a page can send, each to all of these. A file for each place, so that they run side by side. */
export function describeAttacks(what: string, { host, site }: Place): void {
  // oxlint-disable-next-line vitest/valid-title
  describe.skipIf(!requirement('chromium').available)(what, () => {
    let browser: Browser;
    let stage: Stage;
    let attacker: Attacker;
    let victim: Person;
    let stranger: Person;
    let count = 0;

    beforeAll(async () => {
      stage = await Stage.start({ scheme: 'https' });
      attacker = await Attacker.start('https');
      browser = await launchBrowser();
      const { person, page } = await Person.logIn(browser, stage);
      victim = person;
      // Its first look at the connections is noted in the session.
      await until(() =>
        stage.front.passed.some(({ url, status }) => url === '/connections' && status === 200),
      );
      await knowOperator(page, stage.url);
      await page.close();
      // Another device, which "end-others" would end.
      await (await Person.logIn(browser, stage)).person.leave();
      stranger = await Person.arrive(browser, stage);
    });
    afterAll(async () => {
      await browser?.close();
      await attacker?.stop();
      await stage?.stop();
    });

    const lure = async (person: Person): Promise<Page> => {
      const page = await person.context.newPage();
      await page.goto(`https://${host}:${attacker.port}/`);
      await page.addScriptTag({ content: Attacker.script });
      return page;
    };
    /** What the page has noticed, and what the browser has sent for it. */
    const attack = async (
      person: Person,
      kind: 'sends' | 'reads',
      name: string,
      paths: string[],
    ): Promise<{ noticed: unknown[]; sent: Passed[] }> => {
      count += 1;
      const mark = `attack=${count}-`;
      const urls = paths.map(
        (path, index) => `${stage.url}${path}${path.includes('?') ? '&' : '?'}${mark}${index}`,
      );
      const page = await lure(person);
      const script = `Promise.all(${JSON.stringify(urls)}.map(attacks[${JSON.stringify(kind)}][${JSON.stringify(name)}]))`;
      const noticed = await page.evaluate<unknown[]>(script);
      const sent = (): Passed[] => stage.front.passed.filter(({ url }) => url.includes(mark));
      await until(() => {
        const [all, marks] = [sent(), new Set(sent().map(({ url }) => url))];
        return marks.size === paths.length && all.every(({ status }) => status !== null);
      });
      for (const opened of person.context.pages()) await opened.close();
      return { noticed: JSON.parse(JSON.stringify(noticed).replaceAll(mark, '')) as unknown[], sent: sent() };
    };

    it.each(attackNames.sends)('changes nothing by %s', async (name) => {
      const before = stage.state();
      const { noticed, sent } = await attack(victim, 'sends', name, CHANGES);
      expect(stage.state()).toEqual(before);
      // Of the status a page learns at most that it was refused.
      expect(sent.map(({ status }) => status)).toEqual(
        sent.map(() => expect.toSatisfy((code) => code >= 400)),
      );
      expect(JSON.stringify(noticed)).not.toMatch(/ada|title|session/i);
      const from = name === 'a form in a frame without an origin' ? 'cross-site' : site;
      expect(new Set(sent.map(({ headers }) => headers['sec-fetch-site']))).toEqual(new Set([from]));
    });

    it.each(attackNames.reads)('changes nothing, and learns nothing, by %s', async (name) => {
      const before = stage.state();
      const { noticed } = await attack(victim, 'reads', name, ANSWERS);
      expect(stage.state()).toEqual(before);
      expect(JSON.stringify(noticed)).not.toMatch(/ada|tokenward/i);
      const { noticed: ofStranger } = await attack(stranger, 'reads', name, ANSWERS);
      expect(noticed).toEqual(ofStranger);
    });

    it('is handed no answer at all, of which it could measure how long it takes to be read', async () => {
      const { noticed } = await attack(victim, 'reads', 'fetch without CORS', ANSWERS);
      expect(noticed).toEqual(ANSWERS.map(() => 'TypeError'));
    });

    it('has had the cookies sent along where the browser does that, and the operator password', () => {
      const ofAttacks = stage.front.passed.filter(({ url }) => url.includes('attack='));
      const withCookie = ofAttacks.filter(({ method, headers }) => method === 'POST' && headers.cookie);
      expect(withCookie.length > 0).toBe(site === 'same-site');
      expect(ofAttacks.some(({ headers }) => headers.authorization?.startsWith('Basic '))).toBe(true);
    });

    it('has left its reader logged in', async () => {
      const page = await victim.open();
      await seesUser(page);
      expect(await callApi(page)).toMatch(/answered 200/);
    });
  });
}

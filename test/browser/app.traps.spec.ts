import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Visitor } from '../support/visitor.js';
import { Attacker } from '../support/web/attacker.js';
import { fillIn, knowOperator, Person } from '../support/web/person.js';
import { callApi, describeApp, seesUser } from './app-suite.js';
import { until } from './suite.js';

describeApp('a user who is lured to another origin of the same site', { scheme: 'https' }, (on) => {
  let attacker: Attacker;
  beforeAll(async () => {
    attacker = await Attacker.start('https');
  });
  afterAll(() => attacker.stop());

  const lure = async ({ context }: Person, host = 'evil.example.test'): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(`https://${host}:${attacker.port}/`);
    return page;
  };
  /** Follows a link there. */
  const follow = async (page: Page, url: string): Promise<void> => {
    await page.evaluate(`location.assign(${JSON.stringify(url)})`);
    await page.waitForURL(({ host }) => !host.startsWith('evil'));
  };

  it('sees nothing of the app in a frame, where a click could be meant for something else', async () => {
    const { person } = await on.twoTabs();
    const evil = await lure(person);
    for (const path of ['/', '/admin', '/auth/callback/test?state=x&error=y', '/auth/session']) {
      await evil.evaluate(`new Promise((resolve) => {
        const frame = document.createElement('iframe');
        frame.addEventListener('load', resolve);
        frame.src = ${JSON.stringify(on.stage.url + path)};
        document.body.replaceChildren(frame);
      })`);
      const [, frame] = evil.frames();
      expect([path, frame!.url()]).toEqual([path, 'chrome-error://chromewebdata/']);
    }
  });

  it('opens the app in a window of which the other page is told nothing', async () => {
    const { person } = await on.twoTabs();
    const evil = await lure(person);
    const [opened] = await Promise.all([
      person.context.waitForEvent('page'),
      evil.evaluate(`void (globalThis.view = open(${JSON.stringify(on.stage.url)}, 'app'))`),
    ]);
    await seesUser(opened);
    await expect.poll(() => evil.evaluate('view.closed')).toBe(true);
    expect(await opened.evaluate('[opener, name]')).toEqual([null, '']);
  });

  it('stays who they are at the address that somebody else has got from a log-in of their own', async () => {
    const { person } = await on.twoTabs();
    // Mallory signs in and does not go back to the app.
    const mallory = new Visitor();
    const form = await mallory.follow(`${on.stage.behind}/auth/login/test`);
    const body = new URLSearchParams({ name: 'mallory', password: 'x' });
    const signedIn = await mallory.get(form.url, { method: 'POST', body });
    const onward = new URL(signedIn.headers.get('location')!, form.url).href;
    const { url: callback } = await mallory.follow(onward, `${on.stage.url}/auth/callback/`);

    const exchanged = on.stage.provider.oracle.requests.length;
    const evil = await lure(person);
    await follow(evil, callback);
    await evil.getByRole('heading', { name: 'This log-in is no longer valid' }).waitFor();
    await evil.getByRole('link', { name: 'Back to the start' }).click();
    await seesUser(evil);
    expect(on.stage.provider.oracle.requests).toHaveLength(exchanged);
    // Nor does it become anybody who is nobody.
    const stranger = await Person.arrive(on.browser, on.stage);
    const astray = await stranger.context.newPage();
    await astray.goto(callback);
    await astray.getByRole('heading', { name: 'This log-in is no longer valid' }).waitFor();
    expect(await stranger.context.cookies(on.stage.url)).toEqual([]);
    await stranger.leave();
  });

  it('can finish the log-in that is under way, although a made-up answer to it has come', async () => {
    const person = await Person.arrive(on.browser, on.stage);
    const page = await person.open('/auth/login/test');
    const evil = await lure(person);
    await follow(evil, `${on.stage.url}/auth/callback/test?error=access_denied&state=made-up`);
    await fillIn(page, 'frank');
    await seesUser(page, 'frank');
    expect(await callApi(page)).toMatch(/answered 200/);
    await person.leave();
  });

  it('changes nothing by a link', async () => {
    const { person, page } = await on.twoTabs();
    const before = on.stage.state();
    const paths = ['/auth/logout', '/auth/sessions/end-others', '/connections/test/refresh'];
    for (const path of paths) {
      const evil = await lure(person, 'attacker.test');
      await evil.evaluate(`location.assign(${JSON.stringify(on.stage.url + path)})`);
      await until(() => on.stage.front.passed.some(({ url, status }) => url === path && status !== null));
    }
    expect(on.stage.state()).toEqual(before);
    expect(await callApi(page)).toMatch(/answered 200/);
  });

  it('is not made to allow more by a link that goes on through a log-in', async () => {
    const { person } = await on.twoTabs();
    const asked = on.stage.provider.requests.length;
    const evil = await lure(person);
    const onward = encodeURIComponent('/auth/connect/test?scope=api');
    await follow(evil, `${on.stage.url}/auth/login/test?returnTo=${onward}`);
    await evil.getByRole('button', { name: 'Allow' }).click();
    await seesUser(evil);
    const consents = on.stage.provider.requests.slice(asked).filter(({ url }) => url!.startsWith('/auth?'));
    expect(consents).toHaveLength(1);
  });

  it('is safe even where a gateway lets every origin send every header', async () => {
    const { person, other } = await on.twoTabs();
    await knowOperator(other, on.stage.url);
    const evil = await lure(person);
    on.stage.front.allowsEveryOrigin = true;
    const before = on.stage.state();
    const told = await evil.evaluate(`Promise.all(
      ['POST /auth/logout', 'GET /connections', 'GET /api/test/me', 'GET /auth/session/events', 'POST /admin/keys/rotate']
        .map((call) => call.split(' '))
        .map(([method, path]) => fetch(${JSON.stringify(on.stage.url)} + path, {
          method,
          credentials: 'include',
          headers: { 'x-tokenward-csrf': '1' },
        }))
        .map((answer) => answer.then(({ status }) => status)),
    )`);
    on.stage.front.allowsEveryOrigin = false;
    expect(told).toEqual([403, 403, 403, 403, 403]);
    expect(on.stage.state()).toEqual(before);
  });
});

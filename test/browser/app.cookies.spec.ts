import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { Attacker } from '../support/web/attacker.js';
import { Person } from '../support/web/person.js';
import { callApi, describeApp, seesUser } from './app-suite.js';

/** Who the app takes a page's requests for: its user, or the status of the refusal. */
const whoAmI = (page: Page): Promise<unknown> =>
  page.evaluate(async () => {
    const answer = await fetch('/auth/session', { headers: { 'x-tokenward-csrf': '1' } });
    return answer.ok ? ((await answer.json()) as { user: { name: string } }).user.name : answer.status;
  });

const plant = (page: Page, cookies: string[]): Promise<void> =>
  page.evaluate((texts) => {
    for (const text of texts)
      (globalThis as unknown as { document: { cookie: string } }).document.cookie = text;
  }, cookies);

/** What this user's browser would have to send to be that user. */
const idOf = async (person: Person, url: string): Promise<string> =>
  (await person.context.cookies(url)).find(({ name }) => name.endsWith('tokenward'))!.value;

describeApp('a browser that reaches the app over HTTPS', { scheme: 'https' }, (on) => {
  it('has one cookie, which no page can read, no other host sees, and no sibling can set', async () => {
    const { person, page } = await on.twoTabs();
    const host = new URL(on.stage.url).hostname;
    const cookies = (await person.context.cookies()).filter(({ domain }) => domain.includes('example.test'));
    expect(cookies).toEqual([
      {
        name: '__Host-tokenward',
        value: expect.stringMatching(/^[\w-]{43}$/),
        domain: host,
        path: '/',
        expires: expect.any(Number),
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
      },
    ]);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await callApi(page)).toMatch(/answered 200/);
  });

  it('has a second one while it logs in, of the same kind, and not for long', async () => {
    const person = await Person.arrive(on.browser, on.stage);
    await person.open('/auth/login/test');
    expect(await person.context.cookies(on.stage.url)).toMatchObject([
      { name: '__Host-tokenward-login', path: '/', httpOnly: true, secure: true, sameSite: 'Lax' },
    ]);
    await person.logIn('eve');
    await person.leave();
  });

  it('keeps its user when a sibling subdomain tosses it the session of somebody else', async () => {
    const { person, page } = await on.twoTabs();
    const mallory = await Person.logIn(on.browser, on.stage, 'mallory');
    const id = await idOf(mallory.person, on.stage.url);
    await mallory.person.leave();
    const attacker = await Attacker.start('https');
    const evil = await person.context.newPage();
    await evil.goto(`https://evil.example.test:${attacker.port}/`);
    const names = ['__Host-tokenward', '__host-tokenward', 'tokenward', '__Host-tokenward-login'];
    const attributes = [
      'domain=example.test; path=/; secure',
      'domain=example.test; path=/auth; secure',
      'domain=example.test; path=/connections; secure',
      'path=/; secure',
    ];
    const texts = names.flatMap((name) => attributes.map((rest) => `${name}=${id}; ${rest}`));
    // A name that only the server would see (RFC 6265bis §5.7).
    await plant(evil, [...texts, `=__Host-tokenward=${id}; domain=example.test; path=/; secure`]);
    expect(await whoAmI(page)).toBe('ada');
    await page.reload();
    await seesUser(page);
    const own = (await person.context.cookies(on.stage.url)).filter(({ name }) => name.startsWith('__Host-'));
    expect(own.map(({ domain }) => domain)).toEqual([new URL(on.stage.url).hostname]);
    // It has got something through, which is not what the app looks at.
    expect(await person.context.cookies(on.stage.url)).toContainEqual(
      expect.objectContaining({ name: 'tokenward', domain: '.example.test' }),
    );
    // This test's own traces, which are not the app's.
    await person.context.clearCookies({ domain: '.example.test' });
    await person.context.clearCookies({ name: 'tokenward' });
    await evil.close();
    await attacker.stop();
  });

  it('is told to come over HTTPS only, and to name this address to nobody', async () => {
    const { page } = await on.twoTabs();
    const answer = await page.reload();
    expect(await answer!.allHeaders()).toMatchObject({
      'strict-transport-security': expect.stringMatching(/^max-age=\d{7}/),
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    });
    const { front, provider } = on.stage;
    const named = [...front.passed, ...provider.requests].filter(
      ({ headers }) => headers.referer !== undefined,
    );
    expect(named.filter(({ url }) => !url!.startsWith('/login/')).map(({ url }) => url)).toEqual([]);
  });
});

describeApp('a browser that reaches the app on localhost, as developers do', {}, (on) => {
  it('is nobody, and not somebody else, when a page of another port has added a second cookie', async () => {
    const { person, page } = await on.twoTabs();
    const mallory = await Person.logIn(on.browser, on.stage, 'mallory');
    const id = await idOf(mallory.person, on.stage.url);
    await mallory.person.leave();
    const attacker = await Attacker.start('http');
    const evil = await person.context.newPage();
    await evil.goto(`http://localhost:${attacker.port}/`);
    await plant(evil, [`tokenward=${id}; path=/auth`]);
    expect(await whoAmI(page)).toBe(401);
    await evil.close();
    await person.context.clearCookies({ name: 'tokenward', path: '/auth' });
    expect(await whoAmI(page)).toBe('ada');
    await attacker.stop();
  });
});

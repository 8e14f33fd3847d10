import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInBrowser, until } from './suite.js';

const ended = (page: Page): Promise<string[]> => page.evaluate(() => ends);
const call = (page: Page, path: string, init: RequestInit = {}): Promise<number> =>
  page.evaluate(async ([url, options]) => (await client.fetch(url, options)).status, [path, init] as const);
const untilEnded = (page: Page): Promise<unknown> => until(async () => (await ended(page)).length > 0);

describeInBrowser('a page with a cookie only', (stage) => {
  it('calls the API through the backend, with the header that only its own pages can send', async () => {
    const page = await stage.visitor.bff();
    expect(await call(page, '/api/local/report', { method: 'POST', body: 'text' })).toBe(200);
    const [request] = stage.backend.app.to('/api/local/report');
    expect(request!.headers).toMatchObject({
      'x-tokenward-csrf': '1',
      cookie: expect.stringContaining('tokenward='),
    });
    expect(request!.headers).not.toHaveProperty('authorization');
  });

  it('says who is logged in', async () => {
    const page = await stage.visitor.bff();
    expect(await page.evaluate(() => client.getSession())).toMatchObject({ user: { name: 'ada' } });
  });

  it('says that nobody is, and calls that no end', async () => {
    await stage.visitor.context.clearCookies();
    const page = await stage.visitor.bff();
    expect(await page.evaluate(() => client.getSession())).toBeNull();
    expect(await ended(page)).toEqual([]);
  });

  it('has no access token to give', async () => {
    const page = await stage.visitor.bff();
    expect(
      await page.evaluate(() => client.getAccessToken().catch((error: { code: string }) => error.code)),
    ).toBe('NO_TOKEN_IN_BFF_MODE');
  });

  it('does not take the refusal of an API for the end of the session', async () => {
    const page = await stage.visitor.bff({ events: false });
    expect(await call(page, '/api/local/refused')).toBe(401);
    await until(() => stage.backend.count('/auth/session') > 0);
    expect(await page.evaluate(() => client.getSession())).not.toBeNull();
    expect(await ended(page)).toEqual([]);
  });

  it('tells once of the end of the session, however many requests are refused, and tells the other tab', async () => {
    const page = await stage.visitor.bff({ events: false });
    const other = await stage.visitor.bff({ events: false });
    expect(await call(page, '/api/local/report')).toBe(200);
    stage.backend.endSessions({ tell: false });
    await page.evaluate(() =>
      Promise.all(Array.from({ length: 20 }, () => client.fetch('/api/local/report'))),
    );
    await untilEnded(page);
    await untilEnded(other);
    expect(await call(page, '/api/local/report')).toBe(401);
    expect(await ended(page)).toEqual(['ended']);
    expect(await ended(other)).toEqual(['ended']);
  });

  it('logs out in all tabs, says where the provider ends its session, and stays where it is', async () => {
    const page = await stage.visitor.bff({ events: false });
    const other = await stage.visitor.bff({ events: false });
    const address = page.url();
    expect(await page.evaluate(() => client.logout())).toEqual({
      endSessionUrl: 'https://provider.example/end-session?state=1',
    });
    await untilEnded(page);
    await untilEnded(other);
    expect(await ended(other)).toEqual(['logout']);
    expect(page.url()).toBe(address);
    expect(await page.evaluate(() => client.getSession())).toBeNull();
  });

  it('logs out although the backend is too slow to say so', async () => {
    const page = await stage.visitor.bff({ events: false, timeoutSeconds: 10 });
    await page.evaluate(() => client.getSession());
    stage.backend.hold('/auth/logout');
    expect(await page.evaluate(() => client.logout())).toEqual({ endSessionUrl: null });
    expect(await ended(page)).toEqual(['logout']);
  });

  it('says when the backend could not be told of the log-out', async () => {
    const page = await stage.visitor.bff({ events: false });
    await stage.visitor.context.setOffline(true);
    const failure = await page.evaluate(() => client.logout().catch((error: { code: string }) => error.code));
    expect(failure).toBe('UNAVAILABLE');
    expect(await ended(page)).toEqual([]);
    await stage.visitor.context.setOffline(false);
    expect(await call(page, '/api/local/report')).toBe(200);
  });

  it('does not believe another tab that the session is over when a newer one lives', async () => {
    const page = await stage.visitor.bff({ events: false });
    expect(await call(page, '/api/local/report')).toBe(200);
    const before = stage.backend.count('/auth/session');
    await page.evaluate("new BroadcastChannel('tokenward:' + location.origin + '/').postMessage('logout')");
    await until(() => stage.backend.count('/auth/session') > before);
    expect(await page.evaluate(() => client.getSession())).not.toBeNull();
    expect(await ended(page)).toEqual([]);
  });

  it('tells the page when somebody else has logged in, whose data it does not show', async () => {
    const page = await stage.visitor.bff({ events: false });
    await page.evaluate(() => client.getSession());
    await stage.visitor.logIn('bob');
    expect(await page.evaluate(() => client.getSession())).toMatchObject({ user: { name: 'bob' } });
    expect(await ended(page)).toEqual(['ended']);
  });

  it('tells of the next end as well, after a new log-in', async () => {
    const page = await stage.visitor.bff({ events: false });
    await page.evaluate(() => client.getSession());
    await page.evaluate(() => client.logout());
    await stage.visitor.logIn();
    expect(await page.evaluate(() => client.getSession())).not.toBeNull();
    await page.evaluate(() => client.logout());
    expect(await ended(page)).toEqual(['logout', 'logout']);
  });
});

describeInBrowser('a page in sight', (stage) => {
  const streams = (count: number): Promise<unknown> => until(() => stage.backend.openStreams === count);

  it('is told at once that the session was ended elsewhere, in every tab, without asking', async () => {
    const [page, other] = [await stage.visitor.bff(), await stage.visitor.mediated()];
    await streams(2);
    stage.backend.endSessions({ tell: true });
    await untilEnded(page);
    await untilEnded(other);
    await streams(0);
    expect([await ended(page), await ended(other)]).toEqual([['ended'], ['ended']]);
  });

  it('goes on when only the earlier session of this browser has ended', async () => {
    const page = await stage.visitor.bff();
    await streams(1);
    await page.evaluate(() => client.getSession());
    stage.backend.endSessions({ tell: false });
    await stage.visitor.logIn();
    stage.backend.tellEnded();
    await until(() => stage.backend.count('/auth/session/events') === 2);
    expect(await ended(page)).toEqual([]);
  });

  it('connects again when the connection breaks', async () => {
    const page = await stage.visitor.bff();
    await streams(1);
    stage.backend.breakStreams();
    await until(() => stage.backend.count('/auth/session/events') === 2);
    await streams(1);
    stage.backend.endSessions({ tell: true });
    await untilEnded(page);
    expect(await ended(page)).toEqual(['ended']);
  });

  it('is told that the user has logged out, in every tab, although the end comes before the answer', async () => {
    const [page, other] = [await stage.visitor.bff(), await stage.visitor.mediated()];
    await streams(2);
    const answer = stage.backend.hold('/auth/logout');
    await page.evaluate(() => void (kept['it'] = client.logout()));
    await until(() => stage.backend.count('/auth/logout') === 1);
    stage.backend.tellEnded();
    await untilEnded(page);
    await untilEnded(other);
    answer();
    expect(await page.evaluate(() => kept['it'])).toMatchObject({ endSessionUrl: expect.any(String) });
    expect([await ended(page), await ended(other)]).toEqual([['logout'], ['logout']]);
  });

  it('keeps no connection while nobody listens', async () => {
    const page = await stage.visitor.bff();
    await streams(1);
    await page.evaluate(() => client.close());
    await streams(0);
    expect(await page.evaluate(() => client.getSession())).not.toBeNull();
  });
});

describeInBrowser('a page out of sight', (stage) => {
  const events = (): number => stage.backend.count('/auth/session/events');
  const show = (page: Page, state: 'hidden' | 'visible'): Promise<void> =>
    page.evaluate((visibilityState) => {
      Object.defineProperty(document, 'visibilityState', { value: visibilityState, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);

  it.each(['bff', 'mediated'] as const)(
    'is told, when it is seen again, that somebody else has logged in: mode %s',
    async (mode) => {
      const page = await stage.visitor[mode]();
      await page.evaluate(() => client.getSession());
      await until(() => events() === 1);
      await show(page, 'hidden');
      await until(() => stage.backend.openStreams === 0);
      await stage.visitor.logIn('bob');
      await show(page, 'visible');
      await untilEnded(page);
      // Begins anew with them, once.
      await until(() => events() === 3 && stage.backend.openStreams === 1);
      expect(await page.evaluate(() => client.getSession())).toMatchObject({ user: { name: 'bob' } });
      expect(await ended(page)).toEqual(['ended']);
      expect(events()).toBe(3);
    },
  );

  it('does not call an API with the token of the user before', async () => {
    const page = await stage.visitor.mediated();
    const things = `${stage.backend.api.url}/things`;
    await page.evaluate(() => client.getSession());
    expect(await call(page, things)).toBe(200);
    await until(() => events() === 1);
    await show(page, 'hidden');
    await stage.visitor.logIn('bob');
    await show(page, 'visible');
    await untilEnded(page);
    await page.evaluate(() => client.getSession());
    expect(await call(page, things)).toBe(200);
    expect(stage.backend.count('/auth/token/local')).toBe(2);
  });

  it('says nothing when the same user is still there', async () => {
    const page = await stage.visitor.bff();
    await until(() => events() === 1);
    await show(page, 'hidden');
    await until(() => stage.backend.openStreams === 0);
    const before = stage.backend.count('/auth/session');
    await show(page, 'visible');
    await until(() => stage.backend.count('/auth/session') > before);
    expect(await page.evaluate(() => client.getSession())).toMatchObject({ user: { name: 'ada' } });
    expect(await ended(page)).toEqual([]);
    expect(events()).toBe(2);
  });
});

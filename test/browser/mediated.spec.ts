import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { freeze, setClockBack, timePasses } from '../support/browser-backend/visitor.js';
import { describeInBrowser, until } from './suite.js';

const TOKEN = '/auth/token/local';

describeInBrowser('a page with an access token in memory', (stage) => {
  const token = (page: Page): Promise<string> => page.evaluate(() => client.getAccessToken());
  const ended = (page: Page): Promise<string[]> => page.evaluate(() => ends);
  /** How the call ends: the status, or the code of the error. */
  const call = (page: Page, url = `${stage.backend.api.url}/things`): Promise<number | string> =>
    page.evaluate(
      (address) =>
        client.fetch(address).then(
          (response) => response.status,
          (error: { code: string }) => error.code,
        ),
      url,
    );
  /** Begins something whose end is asked for later, by `outcome`. */
  const begin = (page: Page, expression: string): Promise<void> =>
    page.evaluate(`void (kept.it = (${expression}).then(String, (error) => error.code ?? error.name))`);
  const outcome = (page: Page): Promise<unknown> => page.evaluate(() => kept['it']);

  it('asks for a token once, and uses it until it runs out', async () => {
    const page = await stage.visitor.mediated();
    expect(await call(page)).toBe(200);
    expect(await call(page)).toBe(200);
    expect(stage.backend.count(TOKEN)).toBe(1);

    stage.backend.issuer.expire();
    await timePasses(page, 595);
    expect(await call(page)).toBe(200);
    expect(stage.backend.count(TOKEN)).toBe(2);
  });

  it('asks once for twenty requests at the moment of expiry', async () => {
    const page = await stage.visitor.mediated();
    await token(page);
    stage.backend.issuer.expire();
    await timePasses(page, 600);
    const answers = await page.evaluate(
      (url) => Promise.all(Array.from({ length: 20 }, () => client.fetch(url).then(({ status }) => status))),
      `${stage.backend.api.url}/things`,
    );
    expect(answers).toEqual(Array(20).fill(200));
    expect(stage.backend.count(TOKEN)).toBe(2);
  });

  it('repeats all of twenty requests whose token was taken back, with one new token', async () => {
    const page = await stage.visitor.mediated();
    await token(page);
    stage.backend.issuer.revoke();
    const answers = await page.evaluate(
      (url) =>
        Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            client.fetch(url, { method: 'POST', body: `body ${index}` }).then((response) => response.json()),
          ),
        ),
      `${stage.backend.api.url}/things`,
    );
    expect(answers).toEqual(Array.from({ length: 20 }, (_, index) => ({ body: `body ${index}` })));
    expect(stage.backend.count(TOKEN)).toBe(2);
    expect(stage.backend.app.to(TOKEN)[1]!.headers).toMatchObject({ 'x-tokenward-refused': '1' });
  });

  it('has two tabs that cost the provider one refresh', async () => {
    const [one, other] = [await stage.visitor.mediated(), await stage.visitor.mediated()];
    const [first, second] = await Promise.all([token(one), token(other)]);
    expect(first).toBe(second);
    expect(stage.backend.issuer.refreshes).toBe(1);
  });

  it('knows after a sleep that the token has run out, although its monotonic clock stood still', async () => {
    const page = await stage.visitor.mediated();
    await token(page);
    stage.backend.issuer.expire();
    await timePasses(page, 8 * 3600, { asleep: true });
    expect(await call(page)).toBe(200);
    expect(stage.backend.api.seen).toHaveLength(1);
  });

  it('keeps a good token when the clock is set back, and still replaces it in time', async () => {
    const page = await stage.visitor.mediated();
    const before = await token(page);
    await setClockBack(page, 86_400);
    expect(await token(page)).toBe(before);

    stage.backend.issuer.expire();
    await timePasses(page, 600);
    expect(await token(page)).not.toBe(before);
    expect(stage.backend.count(TOKEN)).toBe(2);
  });

  it('waits for the network without ending the session', async () => {
    const page = await stage.visitor.mediated({ events: false });
    await stage.visitor.context.setOffline(true);
    await begin(page, 'client.getAccessToken()');
    // The request has failed, and its failure does not come out.
    await until(() =>
      page.evaluate(() => performance.getEntriesByName(`${location.origin}/auth/token/local`).length > 0),
    );
    await stage.visitor.context.setOffline(false);
    expect(await outcome(page)).toMatch(/^secret-access-token/);
    expect(await ended(page)).toEqual([]);
  });

  it('says that it is offline when the network does not come back in time', async () => {
    const page = await stage.visitor.mediated({ events: false, timeoutSeconds: 1 });
    await stage.visitor.context.setOffline(true);
    await begin(page, 'client.getAccessToken()');
    expect(await outcome(page)).toBe('OFFLINE');
    expect(await ended(page)).toEqual([]);
    await stage.visitor.context.setOffline(false);
  });

  it('gets a token while another tab is frozen in the middle of getting one', async () => {
    const [frozen, live] = [await stage.visitor.mediated(), await stage.visitor.mediated()];
    const release = stage.backend.hold(TOKEN);
    await begin(frozen, 'client.getAccessToken()');
    await until(() => stage.backend.count(TOKEN) === 1);
    const thaw = await freeze(frozen);
    release();
    expect(await token(live)).toMatch(/^secret-access-token/);

    await thaw();
    expect(await outcome(frozen)).toBe(await token(live));
  });

  it('gets a token after another tab was killed in the middle of getting one', async () => {
    const [killed, live] = [await stage.visitor.mediated(), await stage.visitor.mediated()];
    const release = stage.backend.hold(TOKEN);
    await begin(killed, 'client.getAccessToken()');
    await until(() => stage.backend.count(TOKEN) === 1);
    await killed.close({ runBeforeUnload: false });
    release();
    expect(await token(live)).toMatch(/^secret-access-token/);
  });

  it('does not get a token back from an answer that comes after the log-out', async () => {
    const page = await stage.visitor.mediated({ events: false });
    const release = stage.backend.hold(TOKEN);
    await begin(page, 'client.getAccessToken()');
    await until(() => stage.backend.count(TOKEN) === 1);
    await page.evaluate(() => client.logout());
    release();
    expect(await outcome(page)).toBe('SESSION_ENDED');
    expect(await call(page)).toBe('SESSION_ENDED');
    expect(stage.backend.api.seen).toEqual([]);
  });

  it('gives up on an API that refuses everything after one repeat, and causes no storm', async () => {
    const page = await stage.visitor.mediated();
    stage.backend.refusesAll = true;
    expect(await call(page)).toBe(401);
    expect(stage.backend.api.seen).toHaveLength(2);
    for (let more = 0; more < 10; more += 1) expect(await call(page)).toBe(401);
    expect(stage.backend.api.seen).toHaveLength(12);
    expect(stage.backend.count(TOKEN)).toBe(2);
    expect(await ended(page)).toEqual([]);
  });

  it('takes a 403 for what it is', async () => {
    const page = await stage.visitor.mediated();
    expect(await call(page, `${stage.backend.api.url}/forbidden`)).toBe(403);
    expect(stage.backend.count(TOKEN)).toBe(1);
    expect(stage.backend.api.seen).toHaveLength(1);
  });

  it('does not repeat a request whose body was a stream', async () => {
    const page = await stage.visitor.mediated();
    await token(page);
    // Browsers send streams over HTTP/2 only, so the API stands in the page; a body of another kind is repeated there.
    const statuses = await page.evaluate(async (url) => {
      const sent: unknown[] = [];
      const real = globalThis.fetch;
      globalThis.fetch = async (input, init) => {
        if (!(input instanceof Request)) return real(input, init);
        sent.push(await input.text());
        return new Response('', { status: 401 });
      };
      const body = new Blob(['a stream']).stream();
      await client.fetch(url, { method: 'POST', body, duplex: 'half' });
      const streams = sent.length;
      await client.fetch(url, { method: 'POST', body: 'text' });
      globalThis.fetch = real;
      return [streams, sent.length - streams];
    }, stage.backend.api.url);
    expect(statuses).toEqual([1, 2]);
  });

  it('repeats a Request object with its body', async () => {
    const page = await stage.visitor.mediated();
    await token(page);
    stage.backend.refusals = 1;
    const answer = await page.evaluate(async (url) => {
      const response = await client.fetch(new Request(url, { method: 'PUT', body: 'whole' }));
      return response.json();
    }, `${stage.backend.api.url}/things`);
    expect(stage.backend.api.seen.map(({ method, body }) => [method, body])).toEqual([
      ['PUT', 'whole'],
      ['PUT', 'whole'],
    ]);
    expect(answer).toEqual({ body: 'whole' });
  });

  it('sends the API nothing while the backend cannot give a token, and does not keep asking', async () => {
    const page = await stage.visitor.mediated();
    stage.backend.outage = { status: 503, code: 'PROVIDER_UNAVAILABLE', retryAfter: '20' };
    const failures = await page.evaluate(async (url) => {
      const all = await Promise.allSettled(Array.from({ length: 10 }, () => client.fetch(url)));
      const later = await Promise.allSettled([client.fetch(url)]);
      return [...all, ...later].map((one) => one.status === 'rejected' && { ...(one.reason as object) });
    }, stage.backend.api.url);
    expect(failures).toHaveLength(11);
    for (const failure of failures)
      expect(failure).toMatchObject({
        code: 'UNAVAILABLE',
        problem: 'PROVIDER_UNAVAILABLE',
        status: 503,
        retryAfterSeconds: 20,
      });
    expect(stage.backend.count(TOKEN)).toBe(1);
    expect(stage.backend.api.seen).toEqual([]);
    expect(await ended(page)).toEqual([]);

    stage.backend.outage = null;
    await timePasses(page, 20);
    expect(await call(page)).toBe(200);
  });

  it('uses what is left of a token when there is no new one', async () => {
    const page = await stage.visitor.mediated();
    const before = await token(page);
    stage.backend.outage = { status: 503, code: 'PROVIDER_UNAVAILABLE' };
    await timePasses(page, 595);
    expect(await token(page)).toBe(before);
    expect(stage.backend.count(TOKEN)).toBe(2);
  });

  it('stops waiting when the caller does', async () => {
    const page = await stage.visitor.mediated();
    const release = stage.backend.hold(TOKEN);
    await page.evaluate((url) => {
      const controller = new AbortController();
      Object.assign(globalThis, { controller });
      kept['it'] = client.fetch(url, { signal: controller.signal }).catch((error: Error) => error.name);
      kept['other'] = client.getAccessToken();
    }, `${stage.backend.api.url}/things`);
    await until(() => stage.backend.count(TOKEN) === 1);
    await page.evaluate('controller.abort()');
    expect(await outcome(page)).toBe('AbortError');
    release();
    expect(await page.evaluate(() => kept['other'])).toMatch(/^secret-access-token/);
    expect(stage.backend.api.seen).toEqual([]);
  });

  it('serves a worker that has no window, and tells it of a log-out in a tab', async () => {
    const page = await stage.visitor.mediated({ events: false });
    const said = await page.evaluate(
      (options) =>
        new Promise((resolve) => {
          const scope = globalThis as unknown as {
            trustedTypes: {
              createPolicy(name: string, rules: object): { createScriptURL(url: string): string };
            };
            Worker: new (
              url: string,
              options: object,
            ) => {
              addEventListener(type: 'message', listener: (event: { data: string }) => void): void;
              postMessage(message: unknown): void;
            };
          };
          const policy = scope.trustedTypes.createPolicy('worker', { createScriptURL: (url: string) => url });
          const worker = new scope.Worker(policy.createScriptURL('/worker.js'), { type: 'module' });
          const heard: string[] = [];
          worker.addEventListener('message', ({ data }) => {
            heard.push(data);
            if (heard.length === 1) void client.logout();
            if (heard.length === 2) resolve(heard);
          });
          // oxlint-disable-next-line unicorn/require-post-message-target-origin
          worker.postMessage(options);
        }),
      {
        mode: 'mediated',
        baseUrl: '/',
        provider: 'local',
        apiOrigins: [stage.backend.api.url],
        events: false,
      },
    );
    expect(said).toEqual([expect.stringMatching(/^secret-access-token/), 'ended: logout']);
  });
});

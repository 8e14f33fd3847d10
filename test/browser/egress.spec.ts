import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInBrowser } from './suite.js';

/** How a call ends: a status, or the name of what was thrown. */
const attempt = (page: Page, url: string, init: RequestInit = {}): Promise<number | string> =>
  page.evaluate(
    ([to, options]) =>
      client.fetch(to, options).then(
        (response) => response.status,
        (error: Error) => error.name,
      ),
    [url, init] as const,
  );

describeInBrowser('token and CSRF header', (stage) => {
  const ours = ['authorization', 'x-tokenward-csrf'];

  it('go to no origin that was not named', async () => {
    for (const page of [await stage.visitor.bff(), await stage.visitor.mediated()]) {
      const before = stage.backend.foreign.seen.length;
      expect(await attempt(page, `${stage.backend.foreign.url}/x`, { method: 'POST', body: 'x' })).toBe(200);
      await page.evaluate(async (to) => {
        const instance = axios.create();
        client.axios(instance);
        await instance.get(to);
      }, `${stage.backend.foreign.url}/x`);
      const seen = stage.backend.foreign.seen.slice(before);
      expect(seen).toHaveLength(2);
      for (const { headers } of seen) for (const name of ours) expect(headers).not.toHaveProperty(name);
    }
  });

  it('go each to its own place only', async () => {
    const page = await stage.visitor.mediated();
    await attempt(page, '/api/local/report');
    await attempt(page, `${stage.backend.api.url}/things`);
    expect(stage.backend.app.to('/api/local/report')[0]!.headers).not.toHaveProperty('authorization');
    expect(stage.backend.api.seen[0]!.headers).not.toHaveProperty('x-tokenward-csrf');
    expect(stage.backend.api.seen[0]!.headers).not.toHaveProperty('cookie');
  });

  it('stay within the path of the backend on its origin', async () => {
    const page = await stage.visitor.bff({ baseUrl: '/api', events: false });
    await attempt(page, '/apis/else');
    await attempt(page, '/api/../else');
    await attempt(page, '/api/local/report');
    const sent = (path: string): unknown => stage.backend.app.to(path)[0]!.headers['x-tokenward-csrf'];
    expect([sent('/apis/else'), sent('/else'), sent('/api/local/report')]).toEqual([
      undefined,
      undefined,
      '1',
    ]);
  });

  it('do not follow a redirect of the API, unless the caller asks, and then the token stays behind', async () => {
    const page = await stage.visitor.mediated();
    const away = `${stage.backend.api.url}/away`;
    expect(await attempt(page, away)).toBe('TypeError');
    expect(stage.backend.foreign.seen).toEqual([]);

    expect(await attempt(page, away, { redirect: 'follow' })).toBe(200);
    await page.evaluate(async (to) => {
      const instance = axios.create();
      client.axios(instance);
      await instance.get(to);
    }, away);
    expect(stage.backend.foreign.to('/from-api')).toHaveLength(2);
    for (const { headers } of stage.backend.foreign.seen)
      for (const name of ours) expect(headers).not.toHaveProperty(name);
  });

  it('do not follow a redirect of the backend', async () => {
    const page = await stage.visitor.bff();
    expect(await attempt(page, '/api/local/away')).toBe('TypeError');
    expect(stage.backend.foreign.seen).toEqual([]);
  });

  it('arrive although the caller has asked for a mode in which browsers leave headers out', async () => {
    const page = await stage.visitor.mediated();
    expect(await attempt(page, `${stage.backend.api.url}/things`, { mode: 'no-cors' })).toBe(200);
    expect(await attempt(page, '/api/local/report', { mode: 'no-cors' })).toBe(200);
  });

  it('need a page on the origin of the backend', async () => {
    const page = await stage.visitor.bff();
    const message = await page.evaluate((baseUrl) => {
      try {
        createTokenClient({ mode: 'bff', baseUrl });
        return 'made';
      } catch (error) {
        return (error as Error).message;
      }
    }, stage.backend.foreign.url);
    expect(message).toContain("baseUrl must be on the page's own origin");
  });
});

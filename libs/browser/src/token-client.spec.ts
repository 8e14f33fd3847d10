import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakePage } from '../../../test/support/fake-page.js';
import { createClient, type TokenClient } from './token-client.js';

const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });

describe('a client', () => {
  let page: FakePage;
  let client: TokenClient;
  let answer: () => Response;

  beforeEach(() => {
    page = new FakePage();
    answer = () => json({ endSessionUrl: null });
    vi.stubGlobal('fetch', async () => answer());
    client = createClient({ mode: 'bff', baseUrl: '/', events: false }, page);
  });
  afterEach(() => void vi.unstubAllGlobals());

  it('calls nobody back who has said that they no longer listen', async () => {
    const heard: string[] = [];
    const listen = ({ reason }: { reason: string }): void => void heard.push(reason);
    const stop = client.onSessionEnd(listen);
    client.onSessionEnd(listen);
    stop();
    await client.logout();
    expect(heard).toEqual(['logout']);
    expect(page.told).toEqual([{ ended: 'logout' }]);
  });

  it('calls back everybody, although one of them fails', async () => {
    const fault = vi.fn<(error: unknown) => void>();
    vi.stubGlobal('queueMicrotask', (task: () => void) => {
      try {
        task();
      } catch (error) {
        fault(error);
      }
    });
    const heard: string[] = [];
    client.onSessionEnd(() => {
      throw new Error('a fault of the page');
    });
    client.onSessionEnd(() => void heard.push('heard'));
    await client.logout();
    expect(heard).toEqual(['heard']);
    expect(fault).toHaveBeenCalledExactlyOnceWith(new Error('a fault of the page'));
  });

  it('logs out once for two clicks', async () => {
    const asked = vi.fn<() => Response>(answer);
    answer = asked;
    await Promise.all([client.logout(), client.logout()]);
    expect(asked).toHaveBeenCalledOnce();
  });

  it('is logged out when the session was over already', async () => {
    answer = () => json({ code: 'SESSION_REQUIRED' }, 401);
    expect(await client.logout()).toEqual({ endSessionUrl: null });
    expect(page.told).toHaveLength(1);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '/relative', 17, undefined])(
    'leads to no such place as %s',
    async (endSessionUrl) => {
      answer = () => json({ endSessionUrl });
      expect(await client.logout()).toEqual({ endSessionUrl: null });
    },
  );

  it.each([
    [() => json({}, 500), { code: 'UNAVAILABLE', status: 500 }],
    [() => json({ code: 'CSRF' }, 403), { code: 'REFUSED', status: 403, problem: 'CSRF' }],
    [() => new Response('<html>'), { code: 'ANSWER_INVALID' }],
    [() => new Response('17'), { code: 'ANSWER_INVALID' }],
    [
      () => new Response('', { status: 503, headers: { 'retry-after': '999999' } }),
      { code: 'UNAVAILABLE', retryAfterSeconds: 300 },
    ],
    [
      () => new Response('', { status: 429, headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' } }),
      { code: 'UNAVAILABLE', retryAfterSeconds: null },
    ],
  ])('says what the backend has said (%#)', async (said, error) => {
    answer = said;
    await expect(client.getSession()).rejects.toMatchObject(error);
  });

  it('gives no token after it was closed', async () => {
    const mediated = createClient(
      { mode: 'mediated', baseUrl: '/', provider: 'local', apiOrigins: ['https://api.example'] },
      page,
    );
    answer = () => json({ access_token: 'a', token_type: 'Bearer', expires_in: 600 });
    expect(await mediated.getAccessToken()).toBe('a');
    mediated.close();
    await expect(mediated.getAccessToken()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(mediated.fetch('https://api.example/x')).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

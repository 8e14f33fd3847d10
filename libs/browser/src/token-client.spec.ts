import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakePage } from '../../../test/support/fake-page.js';
import { createClient, type TokenClient } from './token-client.js';

const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });
const ada = (): Response => json({ user: { userId: 'ada' } });
const nobody = (): Response => json({ code: 'SESSION_REQUIRED' }, 401);

/** What each route of the backend answers from now on. */
const answers = (routes: Record<string, () => Response | Promise<Response>>): unknown =>
  vi.stubGlobal('fetch', async ({ pathname }: URL) => routes[pathname.slice('/auth/'.length)]!());

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
    expect(page.told).toEqual(['leaving', 'logout']);
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
    answer = nobody;
    expect(await client.logout()).toEqual({ endSessionUrl: null });
    expect(page.told).toContainEqual('logout');
  });

  it('calls its log-out by this name, although it hears of the end before the answer', async () => {
    answers({ session: ada });
    const heard: string[] = [];
    client.onSessionEnd(({ reason }) => void heard.push(reason));
    await client.getSession();

    let answerLogout!: (response: Response) => void;
    const logout = (): Promise<Response> => new Promise((resolve) => (answerLogout = resolve));
    answers({ logout, session: nobody });
    const loggedOut = client.logout();
    expect(await client.getSession()).toBeNull();
    expect(heard).toEqual(['logout']);
    answerLogout(json({ endSessionUrl: 'https://provider.example/end' }));
    expect(await loggedOut).toEqual({ endSessionUrl: 'https://provider.example/end' });
    expect(heard).toEqual(['logout']);
    expect(page.told).toEqual(['leaving', 'logout']);
  });

  it.each([
    ['logs out', ['leaving'], 0, 'logout'],
    ['could not log out', ['leaving', 'staying'], 0, 'ended'],
    ['has logged out of an earlier session', ['leaving', 'logout'], 0, 'ended'],
    ['was gone before it had logged out', ['leaving'], 3600, 'ended'],
  ])('takes an end for what it is when another tab %s', async (_what, news, seconds, reason) => {
    let hear!: (message: { data: unknown }) => void;
    const channel = {
      ...page.channel(),
      addEventListener: (_: string, listener: typeof hear) => (hear = listener),
    };
    const otherPage = Object.assign(new FakePage(), { channel: () => channel });
    const other = createClient({ mode: 'bff', baseUrl: '/', events: false }, otherPage);
    const heard: string[] = [];
    answers({ session: ada });
    other.onSessionEnd((end) => void heard.push(end.reason));
    await other.getSession();
    for (const data of news) hear({ data });
    await other.getSession();
    otherPage.pass(seconds);
    answers({ session: nobody });
    await other.getSession();
    expect(heard).toEqual([reason]);
  });

  it.each([
    ['nobody answered', () => Promise.reject(new TypeError('network error'))],
    ['a proxy answered', () => new Response('<html>', { status: 504 })],
    ['what was answered cannot be read', () => new Response('')],
  ])('is logged out when the backend has ended the session, although %s', async (_what, lost) => {
    answers({ logout: lost, session: nobody });
    expect(await client.logout()).toEqual({ endSessionUrl: null });
    expect(page.told).toEqual(['leaving', 'logout']);
  });

  it.each([
    ['says that the session lives', ada],
    ['does not say whether the session lives', () => json({}, 503)],
  ])('is not called logged out when the log-out fails, and the backend %s', async (_what, session) => {
    answers({ logout: () => json({}, 503), session });
    await expect(client.logout()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(page.told).toEqual(['leaving', 'staying']);
  });

  it('logs out all the same when it was closed before', async () => {
    answers({ logout: () => json({}) });
    client.close();
    expect(await client.logout()).toBeDefined();
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

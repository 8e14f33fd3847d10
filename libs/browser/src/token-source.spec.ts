import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend, tokenAnswer } from '../../../test/support/fake-backend.js';
import { FakePage } from '../../../test/support/fake-page.js';
import { createSession, type Session } from './session.js';
import { TokenClientError } from './token-client.error.js';
import { readOptions } from './token-client.options.js';
import { createTokenSource, type TokenSource } from './token-source.js';

const away = (retryAfterSeconds?: number): TokenClientError =>
  new TokenClientError('UNAVAILABLE', 'away', { status: 503, retryAfterSeconds });

describe('the access token of a tab', () => {
  let page: FakePage;
  let backend: FakeBackend;
  let session: Session;
  let tokens: TokenSource;
  const ends: string[] = [];

  beforeEach(() => {
    page = new FakePage();
    backend = new FakeBackend();
    ends.length = 0;
    const settings = readOptions(
      { mode: 'mediated', baseUrl: '/', provider: 'local', apiOrigins: ['https://api.example'] },
      page,
    );
    session = createSession(backend, {
      onReset: () => tokens.forget(),
      onAlive: () => undefined,
      onEnd: ({ reason }) => ends.push(reason),
    });
    tokens = createTokenSource(settings, backend, session, page);
  });

  /** Gets a token that the backend answers with. */
  async function got(value: string, expiresIn?: number | null): Promise<string> {
    const token = tokens.get();
    backend.asked.at(-1)!.answer(tokenAnswer(value, expiresIn));
    return token;
  }
  const failing = async (failure: Error): Promise<unknown> => {
    const token = tokens.get().catch((error: unknown) => error);
    backend.asked.at(-1)!.answer(failure);
    return token;
  };

  it('counts its life from the moment of the question, however late the answer comes', async () => {
    const token = tokens.get();
    page.pass(595);
    backend.asked[0]!.answer(tokenAnswer('one'));
    expect(await token).toBe('one');
    const next = tokens.get();
    expect(backend.asked).toHaveLength(2);
    backend.asked[1]!.answer(tokenAnswer('two'));
    expect(await next).toBe('two');
  });

  it('is not overwritten by a late answer to an older question', async () => {
    const late = tokens.get();
    session.reset();
    expect(await got('new')).toBe('new');
    backend.asked[0]!.answer(tokenAnswer('old'));
    expect(await late).toBe('new');
    expect(await tokens.get()).toBe('new');
    expect(backend.asked).toHaveLength(2);
  });

  it('does not come back after the end of the session', async () => {
    const late = tokens.get();
    session.end({ reason: 'logout' });
    backend.asked[0]!.answer(tokenAnswer('old'));
    await expect(late).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    await expect(tokens.get()).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    expect(backend.asked).toHaveLength(1);
  });

  it('is not ended by a late refusal that is about an earlier session', async () => {
    const late = tokens.get();
    session.reset();
    await got('new');
    backend.asked[0]!.answer(new TokenClientError('SESSION_ENDED', 'over'));
    expect(await late).toBe('new');
    expect(ends).toEqual([]);
  });

  it('is not renewed because an older one was refused', async () => {
    await got('old');
    const renewed = tokens.other('old');
    backend.asked[1]!.answer(tokenAnswer('new'));
    expect(await renewed).toBe('new');
    expect(await tokens.other('old')).toBe('new');
    expect(backend.asked).toHaveLength(2);
  });

  it('is waited for by everybody while a refused one is being renewed', async () => {
    await got('old');
    const renewed = tokens.other('old');
    const asked = tokens.get();
    backend.asked[1]!.answer(tokenAnswer('new'));
    expect(await Promise.all([renewed, asked])).toEqual(['new', 'new']);
  });

  it('is asked for once in ten seconds when the backend knows none that the API takes', async () => {
    await got('bad');
    const first = tokens.other('bad');
    backend.asked[1]!.answer(tokenAnswer('bad'));
    expect(await first).toBeNull();
    expect(await tokens.other('bad')).toBeNull();
    expect(backend.asked).toHaveLength(2);

    page.pass(10);
    const again = tokens.other('bad');
    backend.asked[2]!.answer(tokenAnswer('good'));
    expect(await again).toBe('good');
  });

  it('is not asked for again before 1, 2, 4 … seconds after a failure', async () => {
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      expect(await failing(away())).toMatchObject({ code: 'UNAVAILABLE' });
      const asked = backend.asked.length;
      page.pass(seconds - 0.5);
      await expect(tokens.get()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 1 });
      expect(backend.asked).toHaveLength(asked);
      page.pass(0.5);
    }
    await got('one');
    page.pass(600);
    expect(await failing(away())).toMatchObject({ code: 'UNAVAILABLE' });
    page.pass(1);
    expect(await got('two')).toBe('two');
  });

  it('is not asked for again before the backend allows it', async () => {
    await failing(away(120));
    page.pass(119);
    await expect(tokens.get()).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
    page.pass(1);
    expect(await got('one')).toBe('one');
  });

  it('is asked for after a sleep, however long the pause was to be', async () => {
    await failing(away(300));
    page.sleep(8 * 3600);
    expect(await got('one')).toBe('one');
  });

  it('ends the session when the backend says so, and never for another reason', async () => {
    await failing(away());
    expect(ends).toEqual([]);
    page.pass(1);
    await failing(new TokenClientError('REFUSED', 'no', { status: 403, problem: 'TOKEN_NOT_FOUND' }));
    expect(ends).toEqual([]);
    page.pass(2);
    await failing(new TokenClientError('SESSION_ENDED', 'over'));
    expect(ends).toEqual(['ended']);
  });

  it('comes although the browser says wrongly that it is offline', async () => {
    page.online = false;
    expect(await got('one')).toBe('one');
  });

  it('comes when the network does', async () => {
    page.online = false;
    const token = tokens.get();
    backend.asked[0]!.answer(new TokenClientError('UNAVAILABLE', 'no network'));
    await vi.waitUntil(() => page.listening === 1);
    page.online = true;
    page.fire('online');
    await vi.waitUntil(() => backend.asked.length === 2);
    backend.asked[1]!.answer(tokenAnswer('one'));
    expect(await token).toBe('one');
    expect(page.listening).toBe(0);
  });
});

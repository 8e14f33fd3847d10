import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import {
  ProviderUnavailableError,
  type ProviderOptions,
  ReauthorizationRequiredError,
  type TokenRef,
} from '@tokenward/nestjs';
import { UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { BODIES, PAGE as page, TOKEN_ANSWERS, TOKENS } from '../support/token-answers.js';
import { TokenEndpoint } from '../support/token-endpoint.js';

const MIB = 1_048_576;
/** One for each log-in: a provider that misbehaves is left alone for a while. */
const ENOUGH = 200;
let endpoint: TokenEndpoint;
let elsewhere: TokenEndpoint;
let database: TestDatabase;
let replica: Replica;
let users = 0;

beforeAll(async () => {
  endpoint = await TokenEndpoint.start();
  elsewhere = await TokenEndpoint.start();
  database = await createDatabase('sqlite');
  const provider: ProviderOptions = {
    tokenEndpoint: endpoint.url,
    clientId: 'app',
    clientSecret: 'hush',
    allowInsecureRequests: true,
  };
  replica = await startReplica(database, {
    providers: {
      ...many('acme', provider),
      ...many('strict', { ...provider, reuseGraceSeconds: 0 }),
      secrets: { ...provider, clientAuthentication: 'client_secret_post', clientSecret: ['old', 'new'] },
      // No TLS is spoken there.
      unsafe: {
        tokenEndpoint: endpoint.url.replace('http:', 'https:'),
        clientId: 'app',
        reuseGraceSeconds: 0,
      },
    },
    encryption: { keyring: freshKeyring() },
    refresh: { ahead: false, timeoutSeconds: 1 },
    cleanup: false,
    rotation: false,
    cache: false,
  });
});
afterEach(() => {
  endpoint.requests.length = 0;
  endpoint.givenUp = 0;
});
afterAll(async () => {
  await replica.close();
  await database.drop();
  await endpoint.stop();
  await elsewhere.stop();
});

function many(name: string, options: ProviderOptions): Record<string, ProviderOptions> {
  return Object.fromEntries(Array.from({ length: ENOUGH }, (_, index) => [`${name}-${index}`, options]));
}

const idToken = (sub: string): string =>
  new UnsecuredJWT({ iss: 'https://id.example.com', aud: 'app', sub }).setExpirationTime('1h').encode();

async function login(provider = 'acme'): Promise<TokenRef> {
  const user = ++users;
  const ref = {
    userId: `user-${user}`,
    provider: ['acme', 'strict'].includes(provider) ? `${provider}-${user}` : provider,
  };
  await replica.tokens.storeTokens(ref, {
    access_token: 'first',
    refresh_token: 'kept',
    expires_in: 3600,
    id_token: idToken('ada'),
  });
  return ref;
}
const rowOf = async (ref: TokenRef) => (await replica.tokens.listTokens(ref))[0]!;
const storedOf = async (ref: TokenRef) => {
  const tokens = (await replica.tokens.getTokens(ref))!;
  return { accessToken: tokens.accessToken.value, refreshToken: tokens.refreshToken?.value };
};
const lastRefresh = () => replica.events.findLast((event) => event.type === 'refresh');

describe('Sixty answers of a token endpoint', () => {
  it.each(TOKEN_ANSWERS)('status %i with %s as %s: %s', async (status, body, contentType, outcome) => {
    const ref = await login();
    endpoint.reply(status, BODIES[body], { 'content-type': contentType });
    await replica.tokens.refreshTokens(ref).catch(() => undefined);
    expect(lastRefresh()).toMatchObject({ outcome });
    const rejected = outcome === 'grant_rejected';
    expect(await rowOf(ref)).toMatchObject({ status: rejected ? 'reauthorization_required' : 'active' });
    const refreshed = outcome === 'refreshed';
    expect(await storedOf(ref)).toEqual(
      refreshed
        ? { accessToken: 'second', refreshToken: 'rotated' }
        : { accessToken: 'first', refreshToken: 'kept' },
    );
  });

  it('are sixty', () => {
    expect(TOKEN_ANSWERS).toHaveLength(60);
  });
});

describe('A token endpoint that answers with status 200 and', () => {
  it.each([
    ['nothing', '', 'outcome_unknown'],
    ['half an object', '{"access_token":"sec', 'outcome_unknown'],
    ['a list', '[]', 'outcome_unknown'],
    ['a page without a content type', page, 'unavailable'],
  ])('%s leaves the session as it was', async (_name, body, outcome) => {
    const ref = await login();
    endpoint.reply(200, body);
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect(lastRefresh()).toMatchObject({ outcome });
    expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 1 });
    expect(await storedOf(ref)).toEqual({ accessToken: 'first', refreshToken: 'kept' });
  });

  it.each([
    ['a number as access token', { access_token: 5 }],
    ['no access token', {}],
    ['an object as token type', { access_token: 'second', token_type: {} }],
    ['a token type that nobody here knows', { access_token: 'second', token_type: 'mac' }],
    ['a number as scope', { access_token: 'second', scope: 5 }],
    ["another user's ID token", { access_token: 'second', id_token: idToken('mallory') }],
    ['something else as ID token', { access_token: 'second', id_token: 'opaque' }],
  ])('%s is not used, and the new refresh token is kept', async (_name, body) => {
    const ref = await login();
    endpoint.reply(200, { token_type: 'bearer', ...body, refresh_token: 'rotated' });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/response_invalid/);
    expect(lastRefresh()).toMatchObject({ outcome: 'response_invalid' });
    expect(await rowOf(ref)).toMatchObject({ status: 'active', lastFailure: 'response_invalid' });
    expect(await storedOf(ref)).toEqual({ accessToken: 'first', refreshToken: 'rotated' });
  });

  it('numbers for everything keeps the old refresh token', async () => {
    const ref = await login();
    endpoint.reply(200, { access_token: 1, token_type: 2, refresh_token: 3, expires_in: [], scope: 4 });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/response_invalid/);
    expect(await storedOf(ref)).toEqual({ accessToken: 'first', refreshToken: 'kept' });
  });

  it('tokens beside an empty error is believed', async () => {
    const ref = await login();
    endpoint.reply(200, { ...TOKENS, error: '' });
    expect((await replica.tokens.refreshTokens(ref)).value).toBe('second');
  });

  it('an error code that is the name of a built-in is taken for a refusal of the request', async () => {
    const ref = await login();
    endpoint.reply(200, { error: 'constructor' });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/client_rejected/);
  });

  it('ok: false alone is taken for a refusal of the request', async () => {
    const ref = await login();
    endpoint.reply(200, { ok: false });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/client_rejected: not_ok/);
  });

  it('a form instead of JSON is understood', async () => {
    const ref = await login();
    const form = 'access_token=second&expires_in=28800&refresh_token=rotated&scope=&token_type=bearer';
    endpoint.reply(200, form, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' });
    const token = await replica.tokens.refreshTokens(ref);
    expect(token.value).toBe('second');
    expect(await storedOf(ref)).toEqual({ accessToken: 'second', refreshToken: 'rotated' });
    expect(token.expiresAt!.getTime()).toBeGreaterThan(Date.now() + 8 * 3_500_000);
  });

  it('an error in a form is understood', async () => {
    const ref = await login();
    const form = 'error=bad_refresh_token&error_description=The+refresh+token+is+invalid';
    endpoint.reply(200, form, { 'content-type': 'application/x-www-form-urlencoded' });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
  });
});

describe('A token endpoint whose answer is too long', () => {
  /** Writes until nobody listens any more. */
  const flood = (status: number, headers: Record<string, string>, written: { bytes: number }): void =>
    endpoint.answer((response) => {
      const chunk = Buffer.alloc(65_536, 'a');
      const write = (): void => {
        while (!response.destroyed && written.bytes < 64 * MIB) {
          written.bytes += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', write);
        }
        response.end();
      };
      response.writeHead(status, headers);
      write();
    });

  it('is read up to 1 MiB, and its connection closed', async () => {
    const ref = await login();
    const written = { bytes: 0 };
    flood(200, {}, written);
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(
      /outcome_unknown: token response over 1 MiB/,
    );
    await vi.waitFor(() => expect(endpoint.givenUp).toBe(1));
    // What the operating system buffers on both sides comes on top.
    expect(written.bytes).toBeLessThan(16 * MIB);
    expect(await storedOf(ref)).toEqual({ accessToken: 'first', refreshToken: 'kept' });
  });

  it('is read up to 1 MiB as it is unpacked, too', async () => {
    const ref = await login();
    const packed = gzipSync(Buffer.alloc(64 * MIB, 'a'));
    expect(packed.length).toBeLessThan(MIB);
    endpoint.answer((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(packed);
    });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/over 1 MiB/);
  });

  it('is not believed where its beginning looks whole', async () => {
    const ref = await login();
    const form = 'application/x-www-form-urlencoded';
    endpoint.reply(200, `access_token=second&refresh_token=rotated&pad=${'a'.repeat(10 * MIB)}`, {
      'content-type': form,
    });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/over 1 MiB/);
    expect(await storedOf(ref)).toEqual({ accessToken: 'first', refreshToken: 'kept' });
  });

  it.each([
    [400, 'client_rejected'],
    [429, 'throttled'],
    [502, 'unavailable'],
  ])('counts by its status %i as %s', async (status, outcome) => {
    const ref = await login('strict');
    flood(status, {}, { bytes: 0 });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect(lastRefresh()).toMatchObject({ outcome });
    expect(await rowOf(ref)).toMatchObject({ status: 'active' });
  });
});

describe('A token endpoint that does not come to an end', () => {
  const drip = (status: number): void =>
    endpoint.answer((response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    });

  it.each([
    ['with its body', () => drip(200)],
    ['before its headers', () => endpoint.answer(() => undefined)],
  ])('%s is given up after the time-out, and its connection closed', async (_name, hang) => {
    const ref = await login();
    hang();
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/outcome_unknown: no answer in time/);
    await vi.waitFor(() => expect(endpoint.givenUp).toBe(1));
    expect(await storedOf(ref)).toEqual({ accessToken: 'first', refreshToken: 'kept' });
  });

  it('after a refusal has refused all the same', async () => {
    const ref = await login('strict');
    drip(401);
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/client_rejected/);
    expect(await rowOf(ref)).toMatchObject({ status: 'active' });
  });
});

describe('A token endpoint that', () => {
  it.each([301, 302, 307, 308])('redirects to another origin with %i is not followed', async (status) => {
    const ref = await login('strict');
    endpoint.reply(status, '', { location: `${elsewhere.origin}/collect` });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/unavailable: redirect refused/);
    expect(elsewhere.requests).toHaveLength(0);
    expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 1 });
  });

  it('speaks no TLS has not got the refresh token', async () => {
    const ref = await login('unsafe');
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/unavailable/);
    expect(await rowOf(ref)).toMatchObject({ status: 'active' });
    expect(endpoint.requests).toHaveLength(0);
  });

  it.each([
    ['seconds', () => ({ 'retry-after': '120' })],
    [
      'a date',
      () => ({
        date: 'Tue, 24 Nov 2026 10:00:00 GMT',
        'retry-after': 'Tue, 24 Nov 2026 10:02:00 GMT',
      }),
    ],
  ])('asks for a pause in %s gets it', async (_name, headers) => {
    const ref = await login();
    endpoint.reply(429, '', headers());
    await expect(replica.tokens.refreshTokens(ref)).rejects.toMatchObject({ retryAfter: 120 });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect(endpoint.requests).toHaveLength(1);
    expect((await replica.tokens.getAccessToken(ref)).value).toBe('first');
  });
});

describe('With several client secrets', () => {
  const sentSecrets = () => endpoint.requests.map(({ form }) => form.get('client_secret'));
  const acceptOnly = (accepted: string, refusal: { status: number; body: unknown }): void =>
    endpoint.answer((response, { form }) => {
      const right = form.get('client_secret') === accepted;
      response.writeHead(right ? 200 : refusal.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(right ? TOKENS : refusal.body));
    });

  it.each([
    [401, { error: 'invalid_client' }],
    [400, { error: 'unauthorized_client' }],
    [401, ''],
    [403, page],
    [404, ''],
  ])('status %i with %j leads to the next one', async (status, body) => {
    const ref = await login('secrets');
    acceptOnly('new', { status, body });
    await expect(replica.tokens.refreshTokens(ref)).resolves.toMatchObject({ value: 'second' });
    expect(sentSecrets().at(-1)).toBe('new');
  });

  it('the one that was accepted is the first to be tried from then on', async () => {
    const refusal = { status: 401, body: { error: 'invalid_client' } };
    acceptOnly('old', refusal);
    await replica.tokens.refreshTokens(await login('secrets'));
    endpoint.requests.length = 0;
    acceptOnly('new', refusal);
    for (let user = 0; user < 3; user++) await replica.tokens.refreshTokens(await login('secrets'));
    expect(sentSecrets()).toEqual(['old', 'new', 'new', 'new']);
  });

  it('a rejected grant ends the search', async () => {
    const ref = await login('secrets');
    endpoint.reply(400, { error: 'invalid_grant' });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
    expect(endpoint.requests).toHaveLength(1);
  });

  it('none of which is accepted, no session is lost', async () => {
    const refs = [await login('secrets'), await login('secrets')];
    endpoint.reply(401, { error: 'invalid_client' });
    for (const ref of refs) {
      await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/client_rejected: invalid_client/);
      expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 1 });
      expect((await replica.tokens.getAccessToken(ref)).value).toBe('first');
    }
  });
});

describe('A caller whose signal is aborted', () => {
  /** Answers when it is told to. */
  const held = (): (() => void) => {
    const waiting: ServerResponse[] = [];
    endpoint.answer((response) => waiting.push(response));
    return () => {
      endpoint.reply(200, TOKENS);
      for (const response of waiting) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(TOKENS));
      }
    };
  };

  it('before a refresh sends nothing', async () => {
    const ref = await login();
    const signal = AbortSignal.abort(new Error('changed my mind'));
    await expect(replica.tokens.getAccessToken(ref, { forceRefresh: true, signal })).rejects.toThrow(
      /changed my mind/,
    );
    expect(endpoint.requests).toHaveLength(0);
    expect(await storedOf(ref)).toEqual({ accessToken: 'first', refreshToken: 'kept' });
  });

  it('during a refresh stops waiting, and the tokens are stored all the same', async () => {
    const ref = await login();
    const release = held();
    const caller = new AbortController();
    const asked = replica.tokens.getAccessToken(ref, { forceRefresh: true, signal: caller.signal });
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(1));
    caller.abort(new Error('changed my mind'));
    await expect(asked).rejects.toThrow(/changed my mind/);
    release();
    await vi.waitFor(async () =>
      expect(await storedOf(ref)).toEqual({ accessToken: 'second', refreshToken: 'rotated' }),
    );
    expect(endpoint.requests).toHaveLength(1);
    expect(endpoint.givenUp).toBe(0);
  });

  it('during a refresh does not take the token from another caller', async () => {
    const ref = await login();
    const release = held();
    const caller = new AbortController();
    const first = replica.tokens.getAccessToken(ref, { forceRefresh: true, signal: caller.signal });
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(1));
    const second = replica.tokens.getAccessToken(ref, { forceRefresh: true });
    caller.abort();
    await expect(first).rejects.toThrow(/abort/i);
    release();
    expect((await second).value).toBe('second');
  });

  it('after a refresh has its token', async () => {
    const ref = await login();
    endpoint.reply(200, TOKENS);
    const caller = new AbortController();
    const token = await replica.tokens.getAccessToken(ref, { forceRefresh: true, signal: caller.signal });
    caller.abort();
    expect(token.value).toBe('second');
    expect(await storedOf(ref)).toEqual({ accessToken: 'second', refreshToken: 'rotated' });
  });
});

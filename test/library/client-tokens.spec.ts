import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import {
  type ClientTokenOptions,
  ProviderUnavailableError,
  ScopeNotGrantedError,
  TokenInputError,
  TokenRequestRejectedError,
} from '@tokenward/nestjs';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROVIDER, type Replica, startReplica, tokenOptions } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type GrantsProvider, startGrantsProvider } from '../support/grants-provider.js';

const API = 'https://orders.example.com/';

describe('getClientToken', () => {
  let provider: GrantsProvider;
  let database: TestDatabase;
  let replica: Replica;
  const replicas: Replica[] = [];

  /** A replica without anything in memory; `more` changes its provider's options. */
  const start = async (more: Record<string, unknown> = {}): Promise<Replica> => {
    const { issuer, clientId, clientSecret } = provider;
    const options = { issuer, clientId, clientSecret, allowInsecureRequests: true, ...more };
    const started = await startReplica(database, {
      ...tokenOptions({ ...provider, clientId } as never),
      providers: { [PROVIDER]: options, second: options },
    });
    replicas.push(started);
    return started;
  };

  beforeAll(async () => {
    provider = await startGrantsProvider();
    database = await createDatabase('sqlite');
    replica = await start();
  });
  afterEach(() => {
    provider.faults.clear();
    provider.ttlSeconds = 300;
  });
  afterAll(async () => {
    for (const started of replicas) await started.close();
    await database.drop();
    await provider.stop();
  });

  const get = (options?: ClientTokenOptions) => replica.tokens.getClientToken(PROVIDER, options);
  /** A call that nobody has made before. */
  const fresh = (options: ClientTokenOptions = {}, from = replica) =>
    from.tokens.getClientToken(PROVIDER, { tenantId: randomUUID(), ...options });
  const requests = async (work: () => Promise<unknown>): Promise<number> => {
    const before = provider.requests('client_credentials');
    await work();
    return provider.requests('client_credentials') - before;
  };

  it('asks the provider once for a token that 1,000 callers want at once, and those after them', async () => {
    const many = async () => {
      const tokens = await Promise.all(Array.from({ length: 1000 }, () => get()));
      expect(new Set([...tokens, await get()].map((token) => token.value)).size).toBe(1);
    };
    expect(await requests(many)).toBe(1);
  });

  it('gives a token that says what it is for, and never shows its value', async () => {
    const token = await get({ resource: API, scope: 'write read' });
    expect(decodeJwt(token.value)).toMatchObject({ aud: API, client_id: provider.clientId });
    expect(token).toMatchObject({ tokenType: 'Bearer', scope: 'read write' });
    expect(Math.abs(token.expiresAt!.getTime() - Date.now() - 300_000)).toBeLessThan(60_000);
    expect(`${inspect({ token })}${JSON.stringify(token)}${String(token)}`).not.toContain(token.value);
  });

  it('takes scope values and resources in any order for the same', async () => {
    const once = async () => {
      const first = await get({ scope: 'write read', resource: [API], tenantId: 'order' });
      const second = await get({ scope: ' read  write read', resource: API, tenantId: 'order' });
      expect(second.value).toBe(first.value);
    };
    expect(await requests(once)).toBe(1);
  });

  it('keeps tenants, providers, scopes, resources and audiences apart', async () => {
    const other = replica.tokens.getClientToken('second');
    const tokens = await Promise.all([
      other,
      get(),
      get({ tenantId: 'acme' }),
      get({ scope: 'read' }),
      get({ resource: 'https://a.example.com/' }),
      get({ resource: 'https://a.example.com' }),
      get({ audience: 'https://a.example.com/' }),
      get({ audience: 'read' }),
    ]);
    expect(new Set(tokens.map(({ value }) => value)).size).toBe(tokens.length);
  });

  it('has forgotten a token when it expires', async () => {
    provider.ttlSeconds = 2;
    const options = { tenantId: 'short-lived' };
    const first = await get(options);
    await expect.poll(async () => (await get(options)).value).not.toBe(first.value);
  });

  it('gets another token when an API has refused this one', async () => {
    const options = { tenantId: 'refused' };
    const refused = await get(options);
    const next = await get({ ...options, forceRefresh: refused });
    expect(next.value).not.toBe(refused.value);
    expect((await get({ ...options, forceRefresh: refused })).value).toBe(next.value);
  });

  it('tries the next client secret while the first one is being replaced', async () => {
    const rotating = await start({ clientSecret: ['the-next-one', provider.clientSecret, 'never-tried'] });
    expect(await requests(() => fresh({}, rotating))).toBe(2);
    expect(await requests(() => fresh({}, rotating)), 'the accepted one first').toBe(1);
  });

  it('tells the operator what to do when the client is refused, and does not ask on and on', async () => {
    const wrong = await start({ clientSecret: 'wrong-secret' });
    const hammer = async () => {
      for (let call = 0; call < 5; call += 1) {
        const error: unknown = await fresh({}, wrong).catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(TokenRequestRejectedError);
        expect(error).toMatchObject({
          code: 'CLIENT_REJECTED',
          reason: 'invalid_client',
          message: expect.stringContaining('clientSecret'),
          retryAfter: expect.toSatisfy((seconds: number) => seconds >= 1 && seconds <= 5),
        });
        expect(inspect(error)).not.toContain('wrong-secret');
      }
    };
    expect(await requests(hammer)).toBe(1);
    expect(inspect(wrong.events)).not.toContain('wrong-secret');
  });

  it.each([
    [{ scope: 'nonsense', resource: 'https://elsewhere.test/' }, 'TARGET_REJECTED', 'invalid_target'],
    [{ resource: ['https://a.example.com/', 'https://b.example.com/'] }, 'TARGET_REJECTED', 'invalid_target'],
  ])('says that the provider has no token for %j', async (options, code, reason) => {
    await expect(fresh(options)).rejects.toMatchObject({ code, reason });
  });

  it.each([
    ['invalid_scope', 'SCOPE_REJECTED'],
    ['unauthorized_client', 'GRANT_TYPE_REJECTED'],
    ['unsupported_grant_type', 'GRANT_TYPE_REJECTED'],
    ['something_new', 'REQUEST_REJECTED'],
    ['invalid_grant', 'REQUEST_REJECTED'],
  ])('knows what %s is about', async (error, code) => {
    provider.faults.fail(400, {}, { error });
    await expect(fresh()).rejects.toMatchObject({ code, reason: error });
  });

  it('does not hand out a token for less than was asked for', async () => {
    const less = { scope: 'read delete', resource: API };
    const twice = async () => {
      await expect(get(less)).rejects.toMatchObject({ missing: ['delete'] });
      await expect(get(less)).rejects.toThrow(ScopeNotGrantedError);
    };
    expect(await requests(twice)).toBe(1);
  });

  it('waits for as long as a throttling provider asks it to', async () => {
    const throttled = await start();
    provider.faults.fail(429, { 'retry-after': '77' });
    const twice = async () => {
      await expect(fresh({}, throttled)).rejects.toMatchObject({ retryAfter: 77 });
      await expect(fresh({}, throttled)).rejects.toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        retryAfter: expect.toSatisfy((seconds: number) => seconds > 60 && seconds <= 77),
      });
    };
    expect(await requests(twice)).toBe(1);
  });

  it('serves valid tokens while the provider is away, and tells for which there is none', async () => {
    const away = await startGrantsProvider();
    const { issuer } = away;
    const lonely = await start({ issuer, clientSecret: away.clientSecret });
    const known = await lonely.tokens.getClientToken(PROVIDER);
    await away.stop();
    expect((await lonely.tokens.getClientToken(PROVIDER)).value).toBe(known.value);
    await expect(fresh({}, lonely)).rejects.toThrow(ProviderUnavailableError);
    await expect(lonely.tokens.getClientToken('second')).rejects.toThrow(/discovery failed/);
  });

  it.each([
    ['a web page', 200, { 'content-type': 'text/html' }, '<html>'],
    ['an empty body', 200, {}, ''],
    ['a list', 200, {}, ['access_token']],
    ['no token', 200, {}, { token_type: 'Bearer' }],
    ['a number as token', 200, {}, { access_token: 7 }],
    ['a token that would break a header', 200, {}, { access_token: 'a\r\nb' }],
    ['a token that is bound to a key', 200, {}, { access_token: 'a', token_type: 'DPoP' }],
    ['a token of no use as such', 200, {}, { access_token: 'a', token_type: 'N_A' }],
    ['a redirect', 307, { location: 'http://localhost:9/' }, ''],
    ['2 MB', 200, {}, { access_token: 'a'.repeat(2_000_000) }],
  ])('hands out nothing when the provider answers with %s', async (_name, status, headers, body) => {
    provider.faults.fail(status, headers, body);
    await expect(fresh()).rejects.toThrow(ProviderUnavailableError);
  });

  it('takes a lifetime as text, and does without one', async () => {
    provider.faults.fail(200, {}, { access_token: 'text', token_type: 'bearer', expires_in: '60' });
    expect((await fresh()).expiresAt).toBeInstanceOf(Date);
    provider.faults.fail(200, {}, { access_token: 'none', expires_in: -1, refresh_token: 7 });
    expect(await fresh()).toMatchObject({ expiresAt: null, tokenType: 'Bearer' });
  });

  it('stops a caller who gives up, not the request', async () => {
    const release = provider.faults.holdReply();
    const stop = new AbortController();
    const options = { tenantId: 'patient' };
    const patient = get(options);
    const waiting = get({ ...options, signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    release();
    await expect(patient).resolves.toBeDefined();
  });

  it.each([
    ['provider', '', {}],
    ['provider', 'unknown', {}],
    ['options.recource', PROVIDER, { recource: API }],
    ['options', PROVIDER, null],
    ['tenantId', PROVIDER, { tenantId: 'a\nb' }],
    ['scope', PROVIDER, { scope: '' }],
    ['scope', PROVIDER, { scope: ['read'] }],
    ['scope', PROVIDER, { scope: 'a "b"' }],
    ['scope', PROVIDER, { scope: 'a\nb' }],
    ['resource', PROVIDER, { resource: '/orders' }],
    ['resource', PROVIDER, { resource: 'https://a.example.com/#part' }],
    ['resource', PROVIDER, { resource: ' https://a.example.com/' }],
    ['resource', PROVIDER, { resource: [] }],
    ['resource', PROVIDER, { resource: [API, 7] }],
    ['resource', PROVIDER, { resource: Array.from({ length: 21 }, (_, index) => `urn:a:${index}`) }],
    ['audience', PROVIDER, { audience: '' }],
    ['audience', PROVIDER, { audience: 'a\u0000' }],
    ['audience', PROVIDER, { audience: 'a'.repeat(2049) }],
    ['minTtlSeconds', PROVIDER, { minTtlSeconds: -1 }],
    ['forceRefresh', PROVIDER, { forceRefresh: 'yes' }],
    ['signal', PROVIDER, { signal: 5 }],
  ])('refuses a wrong %s before it asks anybody (%s, %j)', async (field, name, options) => {
    const wrong = async () => {
      const error: unknown = await replica.tokens
        .getClientToken(name, options as never)
        .catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(TokenInputError);
      expect(error).toMatchObject({ field });
    };
    expect(await requests(wrong)).toBe(0);
  });
});

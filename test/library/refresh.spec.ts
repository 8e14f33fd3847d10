import {
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  TokenNotFoundError,
  type TokenRef,
} from '@tokenward/nestjs';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  freshKeyring,
  PROVIDER,
  providerOptions,
  type Replica,
  startReplica,
  tokenOptions,
} from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';

let users = 0;

describeOnEachDatabase('A refresh', ({ createDatabase }) => {
  let provider: TestProvider;
  let database: TestDatabase;
  let one: Replica;
  let two: Replica;
  let faults: DatabaseFaults;

  beforeAll(async () => {
    provider = await startProvider();
    database = await createDatabase();
    const acme = providerOptions(provider);
    const options = tokenOptions(provider, {
      encryption: { keyring: freshKeyring() },
      providers: {
        [PROVIDER]: acme,
        busy: acme,
        strict: { ...acme, reuseGraceSeconds: 0 },
        tokenless: { ...acme, tokenEndpoint: 'ftp://id.example.com/token', reuseGraceSeconds: 0 },
        rotating: { ...acme, clientSecret: ['next-secret-that-is-not-valid-yet', provider.clientSecret] },
      },
    });
    one = await startReplica(database, options);
    two = await startReplica(database, options);
    faults = new DatabaseFaults(one.dataSource);
  });
  afterAll(async () => {
    await one.close();
    await two.close();
    await database.drop();
    await provider.stop();
  });

  const login = async (name = PROVIDER): Promise<TokenRef> => {
    const ref = { userId: `user-${++users}`, provider: name };
    await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
    return ref;
  };
  const rowOf = async (ref: TokenRef) => (await one.tokens.listTokens(ref))[0]!;
  const sql = (set: string, ref: TokenRef) =>
    one.dataSource.query(`UPDATE tokenward_tokens SET ${set} WHERE user_id = '${ref.userId}'`);
  const claimOf = async (ref: TokenRef): Promise<string | null> =>
    (await one.dataSource.query(`SELECT claim_id FROM tokenward_tokens WHERE user_id = '${ref.userId}'`))[0]
      .claim_id;
  const canTryAgain = async (ref: TokenRef): Promise<void> => {
    await sql('retry_after = NULL', ref);
    await one.dataSource.query('DELETE FROM tokenward_providers');
  };

  it('happens once although two replicas ask for it many times at once', async () => {
    const ref = await login();
    const before = provider.oracle.exchanges;
    const ask = (replica: Replica) =>
      Array.from({ length: 25 }, () => replica.tokens.getAccessToken(ref, { forceRefresh: true }));
    const answers = await Promise.all([...ask(one), ...ask(two)]);
    expect(new Set(answers.map((token) => token.value)).size).toBe(1);
    expect(provider.oracle.exchanges - before).toBe(1);
    expect(provider.oracle.reuses).toBe(0);
  });

  it('goes on where the provider leaves out the refresh token, or sends an empty one', async () => {
    const ref = await login();
    const { refreshToken } = (await one.tokens.getTokens(ref))!;
    for (const refresh_token of [undefined, '', null]) {
      provider.faults.fail(
        200,
        {},
        { access_token: `next-${refresh_token}`, token_type: 'bearer', expires_in: 60, refresh_token },
      );
      expect((await one.tokens.refreshTokens(ref)).value).toBe(`next-${refresh_token}`);
      expect((await one.tokens.getTokens(ref))?.refreshToken?.value).toBe(refreshToken!.value);
    }
  });

  it.each([undefined, null, '', 'soon', 0, -1, '3600', 1e300])(
    'understands an answer with expires_in %j',
    async (expires_in) => {
      const ref = await login();
      provider.faults.fail(200, {}, { access_token: 'next', token_type: 'bearer', expires_in });
      const token = await one.tokens.refreshTokens(ref);
      expect(token.value).toBe('next');
      expect(Number.isNaN(token.expiresAt?.getTime())).toBe(false);
      expect((await one.tokens.getAccessToken(ref)).value).toBe('next');
    },
  );

  it('uses the next client secret when the first one is not accepted', async () => {
    const ref = await login('rotating');
    await expect(one.tokens.refreshTokens(ref)).resolves.toBeDefined();
    expect((await rowOf(ref)).generation).toBe(2);
  });

  it.each([
    ['a wrong client secret', 401, { error: 'invalid_client' }],
    ['a page that is not there', 404, 'not found'],
    ['a forbidden page', 403, '<html>'],
    ['a server error', 500, { error: 'invalid_grant' }],
    ['a web page', 200, '<!doctype html>'],
    ['too many requests', 429, ''],
  ])('that meets %s leaves the session as it was', async (_name, status, body) => {
    const ref = await login('busy');
    provider.faults.fail(
      status,
      { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' },
      body,
    );
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 1 });
    await canTryAgain(ref);
    // A replica believes for a moment in what it knows of its provider.
    await expect.poll(() => one.tokens.refreshTokens(ref)).toBeDefined();
  });

  it('does not follow a redirect of the token endpoint', async () => {
    const ref = await login();
    provider.faults.redirect(`${provider.apiOrigin}/collect`);
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(/redirect refused/);
  });

  it('whose reply is lost before the provider has worked is done again', async () => {
    const ref = await login();
    provider.faults.dropRequest();
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(/outcome_unknown/);
    expect(await rowOf(ref)).toMatchObject({ status: 'active', lastFailure: 'outcome_unknown' });
    await canTryAgain(ref);
    await expect(one.tokens.refreshTokens(ref)).resolves.toBeDefined();
    expect(provider.oracle.reuses).toBe(0);
  });

  it('whose outcome is unknown is never replayed to a provider that revokes on reuse', async () => {
    const ref = await login('strict');
    const { reuses } = provider.oracle;
    provider.faults.dropReplyAfterProcessing();
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
    await expect(two.tokens.getAccessToken(ref)).rejects.toThrow(ReauthorizationRequiredError);
    expect(provider.oracle.reuses).toBe(reuses);
  });

  it('of a replica that is alive is waited for, not repeated', async () => {
    const ref = await login();
    const before = provider.oracle.exchanges;
    const refused = await two.tokens.getAccessToken(ref);
    const answer = provider.faults.holdReply();
    const first = one.tokens.refreshTokens(ref);
    await expect.poll(() => claimOf(ref)).not.toBeNull();
    const second = two.tokens.getAccessToken(ref, { forceRefresh: refused });
    answer();
    expect((await second).value).toBe((await first).value);
    expect(provider.oracle.exchanges - before).toBe(1);
  });

  it('is done by one of two replicas that have seen the row unclaimed at the same moment', async () => {
    const ref = await login();
    const before = provider.oracle.exchanges;
    const late = new DatabaseFaults(two.dataSource).hold(/SET claim_id = /);
    const second = two.tokens.refreshTokens(ref);
    await late.reached;
    const reply = provider.faults.holdReply();
    const first = one.tokens.refreshTokens(ref);
    await expect.poll(() => provider.oracle.exchanges).toBe(before + 1);
    late.release();
    reply();
    expect((await second).value).toBe((await first).value);
    expect(provider.oracle.exchanges - before).toBe(1);
    expect(provider.oracle.reuses).toBe(0);
  });

  it('that has failed since another replica has read the row is not tried again by that one at once', async () => {
    const ref = await login();
    const seen = rowOf(ref);
    // The replica has read the row, and is about to claim it.
    const { reached, release } = faults.hold(/claimed_at = .* WHERE/s);
    provider.faults.fail(500);
    const late = one.tokens.refreshTokens(ref);
    await reached;
    await expect(two.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    const asked = provider.oracle.requests.length;
    release();
    await expect(late).rejects.toThrow(ProviderUnavailableError);
    expect(provider.oracle.requests).toHaveLength(asked);
    expect((await rowOf(ref)).generation).toBe((await seen).generation);
  });

  it('of a replica that has died is taken over', async () => {
    const ref = await login();
    await sql(`claim_id = 'dead-replica', claimed_at = ${Date.now() - 60_000}`, ref);
    await expect(two.tokens.refreshTokens(ref)).resolves.toBeDefined();
    expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 2 });
  });

  it('of a replica that has died at a strict provider needs the user', async () => {
    const ref = await login('strict');
    await sql(`claim_id = 'dead-replica', claimed_at = ${Date.now() - 60_000}`, ref);
    await expect(two.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
    expect(await rowOf(ref)).toMatchObject({ status: 'reauthorization_required' });
  });

  it('that brings the ID token of another user is not used, but its refresh token is kept', async () => {
    const ref = await login();
    const stored = await one.tokens.getTokens(ref);
    const mallory = new UnsecuredJWT({ iss: provider.issuer, aud: provider.clientId, sub: 'mallory' })
      .setIssuedAt()
      .setExpirationTime('1h')
      .encode();
    const rotated = (await provider.mintTokens({ sub: ref.userId })).refresh_token;
    provider.faults.fail(
      200,
      {},
      { access_token: 'hers', token_type: 'bearer', refresh_token: rotated, id_token: mallory },
    );
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(/response_invalid/);
    expect(await rowOf(ref)).toMatchObject({
      status: 'active',
      generation: 2,
      lastFailure: 'response_invalid',
    });
    expect((await one.tokens.getAccessToken(ref)).value).toBe(stored!.accessToken.value);
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    await canTryAgain(ref);
    expect((await one.tokens.refreshTokens(ref)).value).not.toBe('hers');
    expect(provider.oracle.requests.at(-1)?.outcome).toBe('ok');
  });

  it('that loses to a log-out brings nothing back, and what it got is revoked at the provider', async () => {
    const ref = await login();
    const { exchanges } = provider.oracle;
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    refreshing.catch(() => undefined);
    await expect.poll(() => provider.oracle.exchanges).toBe(exchanges + 1);
    await two.tokens.revokeTokens(ref);
    reply();
    await expect(refreshing).rejects.toThrow(TokenNotFoundError);
    expect(await rowOf(ref)).toMatchObject({ status: 'revoked', generation: 2, hasRefreshToken: false });
    expect(one.events).toContainEqual(expect.objectContaining({ type: 'refresh', outcome: 'superseded' }));
  });

  it('that loses to a new log-in hands out the new token', async () => {
    const ref = await login();
    const { exchanges } = provider.oracle;
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    await expect.poll(() => provider.oracle.exchanges).toBe(exchanges + 1);
    const newer = await provider.mintTokens({ sub: ref.userId });
    await two.tokens.storeTokens(ref, newer);
    reply();
    expect((await refreshing).value).toBe(newer.access_token);
    await expect(one.tokens.refreshTokens(ref)).resolves.toBeDefined();
  });

  it('that is refused although a new log-in has come in between does not end the new session', async () => {
    const ref = await login();
    const { requests } = provider.oracle;
    const seen = requests.length;
    const { refreshToken } = (await one.tokens.getTokens(ref))!;
    await provider.revoke(refreshToken!.value);
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    await expect.poll(() => requests.slice(seen).map(({ outcome }) => outcome)).toEqual(['invalid_grant']);
    const newer = await provider.mintTokens({ sub: ref.userId });
    await two.tokens.storeTokens(ref, newer);
    reply();
    expect((await refreshing).value).toBe(newer.access_token);
    expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 2 });
  });

  it('whose commit has happened although its answer was lost is not undone, and told of as a refresh', async () => {
    const ref = await login();
    one.events.length = 0;
    faults.fail(/UPDATE .* SET status = 'active', generation/s, 'after');
    const token = await one.tokens.refreshTokens(ref);
    expect(one.events.filter(({ type }) => type === 'refresh')).toMatchObject([{ outcome: 'refreshed' }]);
    const stored = (await one.tokens.getTokens(ref))!;
    expect(stored.accessToken.value).toBe(token.value);
    expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 2 });
    await expect(two.tokens.refreshTokens(ref)).resolves.toBeDefined();
  });

  it('that ends a session tells so, although the answer of the database was lost', async () => {
    const ref = await login();
    one.events.length = 0;
    faults.fail(/failures = failures \+ 1/, 'after');
    provider.faults.fail(400, {}, { error: 'invalid_grant' });
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
    expect(one.events.filter(({ type }) => type === 'reauthorization_required')).toHaveLength(1);
  });

  it('is persisted as soon as the database is back', async () => {
    const ref = await login();
    for (let outage = 0; outage < 3; outage++)
      faults.fail(/UPDATE .* SET status = 'active', generation/s, 'before');
    await expect(one.tokens.refreshTokens(ref)).resolves.toBeDefined();
    await expect(two.tokens.refreshTokens(ref)).resolves.toBeDefined();
    expect(provider.oracle.reuses).toBe(0);
  });

  it('that is refused while the database is away does not become an unknown outcome', async () => {
    const ref = await login('strict');
    faults.fail(/failures = failures \+ 1/, 'before');
    provider.faults.fail(500, {}, '');
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect(await rowOf(ref)).toMatchObject({ status: 'active', lastFailure: 'unavailable' });
    expect(await claimOf(ref)).toBeNull();
  });

  it('that loses to the shredding of its tenant ends at once, and what it got is revoked at the provider', async () => {
    const ref = { userId: 'leaver', provider: PROVIDER, tenantId: 'leaving' };
    await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
    const { exchanges } = provider.oracle;
    const { length } = provider.oracle.revokedGrants;
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    await expect.poll(() => provider.oracle.exchanges).toBe(exchanges + 1);
    await two.keys.shredTenant('leaving');
    await one.keys.shredTenant('leaving');
    reply();
    await expect(refreshing).rejects.toMatchObject({ code: 'TOKEN_NOT_FOUND' });
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
  });

  it('whose claim was taken although its answer was lost is not taken for a presented refresh token', async () => {
    const ref = await login('strict');
    faults.fail(/SET claim_id = /, 'after');
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(/connection terminated/);
    await expect.poll(() => claimOf(ref)).toBeNull();
    await expect(two.tokens.refreshTokens(ref)).resolves.toBeDefined();
  });

  it('in flight is awaited by a log-in that brings no refresh token of its own', async () => {
    const ref = await login();
    const { exchanges } = provider.oracle;
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    await expect.poll(() => provider.oracle.exchanges).toBe(exchanges + 1);
    const storing = two.tokens.storeTokens(ref, { access_token: 'from-the-log-in' });
    reply();
    await refreshing;
    await storing;
    expect((await one.tokens.getAccessToken(ref)).value).toBe('from-the-log-in');
    await expect(one.tokens.refreshTokens(ref)).resolves.toBeDefined();
    expect(provider.oracle.reuses).toBe(0);
  });

  it('answered after another replica had given the row up brings the session back', async () => {
    const ref = await login('strict');
    const { exchanges } = provider.oracle;
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    await expect.poll(() => provider.oracle.exchanges).toBe(exchanges + 1);
    await sql(`claimed_at = ${Date.now() - 60_000}, claim_replica = NULL`, ref);
    await expect(two.tokens.getAccessToken(ref, { forceRefresh: true })).rejects.toThrow(
      ReauthorizationRequiredError,
    );
    expect(two.events).toContainEqual(
      expect.objectContaining({ type: 'reauthorization_required', reason: 'outcome_unknown' }),
    );
    reply();
    await refreshing;
    expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 2 });
  });

  it('that could not be sent is no unknown outcome', async () => {
    const ref = await login('tokenless');
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(/unavailable: not sent/);
    expect(await rowOf(ref)).toMatchObject({ status: 'active' });
  });

  it('accepts scopes as a list', async () => {
    const ref = await login();
    provider.faults.fail(200, {}, { access_token: 'next', token_type: 'bearer', scope: ['a', 'b'] });
    expect((await one.tokens.refreshTokens(ref)).scope).toBe('a b');
  });

  it('believes GitHub that a refresh token is dead', async () => {
    const ref = await login();
    provider.faults.fail(200, {}, { error: 'bad_refresh_token' });
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
  });

  it('of a provider that is not configured any more is not tried, and its tokens can be erased', async () => {
    const ref = await login();
    await sql("provider = 'gone'", ref);
    const gone = { ...ref, provider: 'gone' };
    await expect(one.tokens.getAccessToken(gone)).rejects.toMatchObject({ code: 'PROVIDER_UNKNOWN' });
    await one.tokens.revokeTokens(gone);
    expect(await one.tokens.listTokens({ userId: ref.userId })).toMatchObject([{ provider: 'gone' }]);
  });

  it('whose claim cannot be given back at once is given back as soon as the database is there again', async () => {
    const ref = await login('strict');
    const { requests } = provider.oracle;
    const seen = requests.length;
    faults.fail(/SET claim_id = '|SET claim_id = [$?]/, 'after');
    faults.fail(/SET claim_id = NULL, claimed_at = NULL, unknown_since/, 'before');
    faults.fail(/SET claim_id = NULL, claimed_at = NULL, unknown_since/, 'before');
    await expect(one.tokens.refreshTokens(ref)).rejects.toThrow(/connection terminated/);
    expect(requests.length).toBe(seen);
    await expect.poll(() => claimOf(ref)).toBeNull();
    await expect(two.tokens.refreshTokens(ref)).resolves.toBeDefined();
  });

  it('counts the reuse grace from the presentation, not from the last sign of life', async () => {
    const ref = await login();
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    await expect.poll(() => claimOf(ref)).not.toBeNull();
    const since = async () =>
      Number(
        (
          await one.dataSource.query(
            `SELECT unknown_since FROM tokenward_tokens WHERE user_id = '${ref.userId}'`,
          )
        )[0].unknown_since,
      );
    const presented = await since();
    expect(presented).toBeGreaterThan(0);
    await sql(`claimed_at = ${Date.now() + 5_000}`, ref);
    expect(await since()).toBe(presented);
    reply();
    await refreshing;
    expect(await since()).toBe(0);
  });

  it('whose tokens come back after a log-out has them revoked although the database stumbles', async () => {
    const ref = await login();
    const { exchanges } = provider.oracle;
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    refreshing.catch(() => undefined);
    await expect.poll(() => provider.oracle.exchanges).toBe(exchanges + 1);
    await sql(
      "status = 'revoked', generation = generation + 1, access_ct = NULL, refresh_ct = NULL, id_ct = NULL",
      ref,
    );
    const { length } = provider.oracle.revokedGrants;
    faults.fail(/SELECT .* WHERE lookup = /s, 'before');
    reply();
    await expect(refreshing).rejects.toThrow(TokenNotFoundError);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
  });

  it('is not needed for a log-out whose answer from the database is lost to reach the provider', async () => {
    const ref = await login();
    const { length } = provider.oracle.revokedGrants;
    faults.fail(/SET status = 'revoked'/, 'after');
    await one.tokens.revokeTokens(ref);
    await expect.poll(() => provider.oracle.revokedGrants.length).toBe(length + 1);
    expect(await rowOf(ref)).toMatchObject({ status: 'revoked' });
  });
});

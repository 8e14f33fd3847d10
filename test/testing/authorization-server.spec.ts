import { type AuthorizationServer, startAuthorizationServer } from '@tokenward/nestjs/testing';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { TokenClient, type Answer } from '../support/token-client.js';
import { startProvider } from '../support/provider.js';

interface Subject {
  client: TokenClient;
  mint: (user: string) => Promise<{ access_token: string; refresh_token: string }>;
  /** The status with which the subject's protected resource answers this access token. */
  resource: (accessToken: string) => Promise<number>;
  oracle: AuthorizationServer['oracle'];
}

const started: { stop: () => Promise<void> }[] = [];

const subjects: Record<string, (mode: 'strict' | 'plain') => Promise<Subject>> = {
  'oidc-provider': async (mode) => {
    const provider = await startProvider({ rotate: mode === 'strict' });
    started.push(provider);
    const { issuer, clientId, clientSecret, apiOrigin, oracle } = provider;
    return {
      client: new TokenClient({ issuer, clientId, clientSecret }),
      mint: (user) => provider.mintTokens({ sub: user }),
      resource: (token) => statusOf(`${apiOrigin}/me`, token),
      oracle,
    };
  },
  'the kit': async (mode) => {
    const clients = [{ clientId: 'kit-client', clientSecret: 'kit-secret' }] as const;
    const server = await startAuthorizationServer({ mode, clients: [...clients] });
    started.push(server);
    return {
      client: new TokenClient({ issuer: server.issuer, ...clients[0] }),
      mint: (user) => server.mint(user),
      resource: (token) => statusOf(`${server.issuer}/me`, token),
      oracle: server.oracle,
    };
  },
};

async function statusOf(url: string, token: string): Promise<number> {
  return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
}

const failure = ({ status, json }: Answer): [number, unknown] => [status, json['error']];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

/** One table of behaviours; whatever oidc-provider does, the kit has to do. */
describe.each(Object.entries(subjects))('A strict server: %s', (_name, start) => {
  it('gives a new refresh token for each, and both new tokens are good', async () => {
    const { client, mint, resource, oracle } = await start('strict');
    const minted = await mint('ada');
    const first = await client.refresh(minted.refresh_token);
    const second = await client.refresh(String(first.json['refresh_token']));
    expect(
      new Set([minted.refresh_token, first.json['refresh_token'], second.json['refresh_token']]).size,
    ).toBe(3);
    expect(second).toMatchObject({
      status: 200,
      json: { token_type: 'Bearer', expires_in: 300, scope: 'openid offline_access api' },
    });
    expect(second.json['id_token']).toMatch(/^eyJ/);
    expect(second.headers.get('cache-control')).toContain('no-store');
    expect(await resource(String(second.json['access_token']))).toBe(200);
    expect(oracle.exchanges).toBe(2);
    expect(oracle.aliveRefreshTokens()).toEqual([second.json['refresh_token']]);
    expect(oracle.presentations(minted.refresh_token)).toMatchObject([{ outcome: 'ok' }]);
    expect(oracle.issued).toContain(minted.access_token);
    expect(oracle.issued).toContain(second.json['access_token']);
  });

  it('ends the whole grant when a refresh token is used twice: newer tokens die with it', async () => {
    const { client, mint, resource, oracle } = await start('strict');
    const minted = await mint('ada');
    const newer = await client.refresh(minted.refresh_token);
    expect(failure(await client.refresh(minted.refresh_token))).toEqual([400, 'invalid_grant']);
    expect(failure(await client.refresh(String(newer.json['refresh_token'])))).toEqual([
      400,
      'invalid_grant',
    ]);
    expect(await resource(String(newer.json['access_token']))).toBe(401);
    expect(await resource(minted.access_token)).toBe(401);
    expect(oracle).toMatchObject({ reuses: 1, exchanges: 1, revokedGrants: [expect.any(String)] });
    expect(oracle.aliveRefreshTokens()).toEqual([]);
  });

  it('lets one of two presentations at once win, and ends the grant for both', async () => {
    const { client, mint, resource, oracle } = await start('strict');
    const { refresh_token: token } = await mint('ada');
    const answers = await Promise.all([client.refresh(token), client.refresh(token)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400]);
    const winner = answers.find(({ status }) => status === 200)!;
    expect(await resource(String(winner.json['access_token']))).toBe(401);
    expect(oracle.reuses).toBe(1);
  });

  it('leaves the grants of others alone when it ends one', async () => {
    const { client, mint, resource } = await start('strict');
    const [ada, other] = [await mint('ada'), await mint('ada')];
    await client.refresh(ada.refresh_token);
    await client.refresh(ada.refresh_token);
    expect(await resource(other.access_token)).toBe(200);
    expect((await client.refresh(other.refresh_token)).status).toBe(200);
  });

  it.each(['refresh_token', 'access_token'] as const)(
    'ends the grant when its %s is revoked',
    async (kind) => {
      const { client, mint, resource, oracle } = await start('strict');
      const minted = await mint('ada');
      expect((await client.revoke(minted[kind])).status).toBe(200);
      expect(failure(await client.refresh(minted.refresh_token))).toEqual([400, 'invalid_grant']);
      expect(await resource(minted.access_token)).toBe(401);
      expect(oracle).toMatchObject({ reuses: 0, revokedGrants: [expect.any(String)] });
      expect(oracle.revocations).toMatchObject([{ outcome: 'ok' }]);
      expect(oracle.aliveRefreshTokens()).toEqual([]);
    },
  );

  it('says nothing about the revocation of a token that it does not know', async () => {
    const { client, oracle } = await start('strict');
    expect((await client.revoke('made-up')).status).toBe(200);
    expect(oracle.revokedGrants).toEqual([]);
  });

  it('does not blame the grant for a wrong client secret', async () => {
    const { client, mint } = await start('strict');
    const { refresh_token: token } = await mint('ada');
    const refused = await client.with({ clientSecret: 'wrong' }).refresh(token);
    expect(failure(refused)).toEqual([401, 'invalid_client']);
    expect(refused.headers.get('www-authenticate')).toContain('Basic');
    expect((await client.refresh(token)).status).toBe(200);
  });

  it.each<[string, Record<string, string>, [number, string]]>([
    ['an unknown grant', { grant_type: 'password' }, [400, 'unsupported_grant_type']],
    ['no grant type', {}, [400, 'invalid_request']],
    ['no refresh token', { grant_type: 'refresh_token' }, [400, 'invalid_request']],
    ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, [400, 'invalid_grant']],
  ])('refuses %s', async (_what, form, expected) => {
    const { client } = await start('strict');
    expect(failure(await client.post('/token', form))).toEqual(expected);
  });

  it('refuses an unknown client, one that does not say who it is, and one that says it in two ways', async () => {
    const { client, mint } = await start('strict');
    const { refresh_token } = await mint('ada');
    const form = { grant_type: 'refresh_token', refresh_token };
    expect(failure(await client.with({ clientId: 'stranger' }).post('/token', form))).toEqual([
      401,
      'invalid_client',
    ]);
    expect(failure(await client.post('/token', form, {}))).toEqual([400, 'invalid_request']);
    expect(failure(await client.post('/token', { ...form, client_secret: 'x' }))).toEqual([
      400,
      'invalid_request',
    ]);
    expect((await client.refresh(refresh_token)).status).toBe(200);
  });

  it('grants less when less is asked for, and never more', async () => {
    const { client, mint } = await start('strict');
    const { refresh_token: token } = await mint('ada');
    const form = { grant_type: 'refresh_token', refresh_token: token };
    expect(failure(await client.post('/token', { ...form, scope: 'openid profile' }))).toEqual([
      400,
      'invalid_scope',
    ]);
    const less = await client.post('/token', { ...form, scope: 'openid' });
    expect(less).toMatchObject({ status: 200, json: { scope: 'openid' } });
    const again = await client.refresh(String(less.json['refresh_token']));
    expect(again.json['scope']).toBe('openid offline_access api');
  });

  it('signs ID tokens with the key that its discovery document leads to', async () => {
    const { client, mint } = await start('strict');
    const { refresh_token: token } = await mint('ada');
    const discovered = (await (
      await fetch(`${client.issuer}/.well-known/openid-configuration`)
    ).json()) as Record<string, string>;
    expect(discovered).toMatchObject({
      issuer: client.issuer,
      token_endpoint: `${client.issuer}/token`,
      revocation_endpoint: `${client.issuer}/token/revocation`,
    });
    const { id_token: idToken } = (await client.refresh(token)).json;
    const { payload } = await jwtVerify(
      String(idToken),
      createRemoteJWKSet(new URL(discovered['jwks_uri']!)),
      { issuer: client.issuer, audience: client.clientId },
    );
    expect(payload.sub).toBe('ada');
    expect(payload.exp! - payload.iat!).toBe(300);
  });
});

describe.each(Object.entries(subjects))('A plain server: %s', (_name, start) => {
  it('repeats the refresh token, which is good many times', async () => {
    const { client, mint, resource, oracle } = await start('plain');
    const minted = await mint('ada');
    const answers = [await client.refresh(minted.refresh_token), await client.refresh(minted.refresh_token)];
    expect(answers.map(({ json }) => json['refresh_token'])).toEqual([
      minted.refresh_token,
      minted.refresh_token,
    ]);
    expect(await resource(String(answers[0]!.json['access_token']))).toBe(200);
    expect(oracle).toMatchObject({ reuses: 0, exchanges: 2 });
    expect(oracle.aliveRefreshTokens()).toEqual([minted.refresh_token]);
  });
});

describe('The server of the kit', () => {
  const start = async (options: Parameters<typeof startAuthorizationServer>[0]) => {
    const server = await startAuthorizationServer(options);
    started.push(server);
    return { server, client: new TokenClient({ issuer: server.issuer, ...credentialsOf(server) }) };
  };
  const credentialsOf = ({ provider }: AuthorizationServer) => ({
    clientId: provider.clientId,
    clientSecret: [provider.clientSecret].flat()[0]!,
  });

  it('with a grace answers a used refresh token with a further pair, and ends the grant after it', async () => {
    let now = Date.parse('2030-01-01');
    const { server, client } = await start({ mode: 'grace', reuseGraceSeconds: 30, now: () => now });
    const { refresh_token: token } = await server.mint('ada');
    const first = await client.refresh(token);
    now += 29_999;
    const second = await client.refresh(token);
    expect(second.status).toBe(200);
    expect(second.json['refresh_token']).not.toBe(first.json['refresh_token']);
    expect(server.oracle.aliveRefreshTokens()).toEqual([
      first.json['refresh_token'],
      second.json['refresh_token'],
    ]);
    expect(server.oracle).toMatchObject({ reuses: 1, revokedGrants: [] });
    now += 1;
    expect(failure(await client.refresh(token))).toEqual([400, 'invalid_grant']);
    expect(server.oracle.aliveRefreshTokens()).toEqual([]);
    expect(server.oracle.revokedGrants).toHaveLength(1);
  });

  it('lets access tokens expire by its own clock, and dates ID tokens by it', async () => {
    let now = Date.parse('2030-01-01');
    const { server } = await start({ mode: 'strict', accessTokenLifetimeSeconds: 60, now: () => now });
    const minted = await server.mint('ada');
    expect(minted.expires_in).toBe(60);
    now += 59_999;
    expect(await statusOf(`${server.issuer}/me`, minted.access_token)).toBe(200);
    now += 1;
    expect(await statusOf(`${server.issuer}/me`, minted.access_token)).toBe(401);
    const { payload } = await jwtVerify(
      minted.id_token!,
      createRemoteJWKSet(new URL(`${server.issuer}/jwks`)),
      { currentDate: new Date('2030-01-01') },
    );
    expect(payload.iat).toBe(Date.parse('2030-01-01') / 1000);
  });

  it('gives clients tokens of their own, without a refresh token', async () => {
    const { server, client } = await start({ mode: 'strict' });
    const { status, json } = await client.post('/token', { grant_type: 'client_credentials', scope: 'jobs' });
    expect([status, Object.keys(json).toSorted()]).toEqual([
      200,
      ['access_token', 'expires_in', 'scope', 'token_type'],
    ]);
    expect(server.oracle.issued).toContain(json['access_token']);
    expect(server.oracle.aliveRefreshTokens()).toEqual([]);
  });

  it('knows several clients, several secrets of one, and public ones, and keeps their tokens apart', async () => {
    const { server } = await start({
      mode: 'strict',
      clients: [{ clientId: 'one', clientSecret: ['old', 'new'] }, { clientId: 'app' }],
    });
    const at = (clientId: string, clientSecret?: string) =>
      new TokenClient({ issuer: server.issuer, clientId, clientSecret });
    const mine = await server.mint('ada');
    const hers = await server.mint('ada', { clientId: 'app', scope: 'api' });
    expect(hers.id_token).toBeUndefined();
    expect(failure(await at('app').refresh(mine.refresh_token))).toEqual([400, 'invalid_grant']);
    await at('app').revoke(mine.refresh_token);
    const next = await at('one', 'old').refresh(mine.refresh_token);
    expect((await at('one', 'new').refresh(String(next.json['refresh_token']))).status).toBe(200);
    expect((await at('app').refresh(hers.refresh_token)).status).toBe(200);
    expect(failure(await at('one').refresh('x'))).toEqual([401, 'invalid_client']);
    expect(failure(await at('app', 'secret').refresh('x'))).toEqual([401, 'invalid_client']);
    await expect(server.mint('ada', { clientId: 'two' })).rejects.toThrow(/clientId: is not one of one, app/);
  });

  it('takes credentials in the form, and with letters that need encoding', async () => {
    const credentials = { clientId: 'a b', clientSecret: 'c+d%:é' };
    const { server, client } = await start({ mode: 'strict', clients: [credentials] });
    const basic = await client.refresh((await server.mint('ada')).refresh_token);
    const posted = await client.post(
      '/token',
      {
        grant_type: 'refresh_token',
        refresh_token: String(basic.json['refresh_token']),
        client_id: credentials.clientId,
        client_secret: credentials.clientSecret,
      },
      {},
    );
    expect([basic.status, posted.status]).toEqual([200, 200]);
  });

  it('does not start in a mode that it does not know', async () => {
    await expect(startAuthorizationServer({ mode: 'lax' as never })).rejects.toThrow(
      'mode: must be one of strict, grace, plain',
    );
  });
});

import {
  ConfidentialClientApplication,
  DistributedCachePlugin,
  type INetworkModule,
  type NetworkRequestOptions,
  ProtocolMode,
} from '@azure/msal-node';
import type { Pool } from 'pg';
import type { Caller, Contender, Setup } from '../contender.js';
import { poolOf } from '../shared-row.js';

/** It refuses authorities without TLS: this one is the test provider for it. */
const AUTHORITY = 'https://login.example.com';
const METADATA = {
  issuer: AUTHORITY,
  authorization_endpoint: `${AUTHORITY}/authorize`,
  token_endpoint: `${AUTHORITY}/token`,
  jwks_uri: `${AUTHORITY}/jwks`,
};
const SCOPES = ['api'];
const EXPIRE = `UPDATE msal_cache SET value =
  regexp_replace(value, '("(extended_)?expires_on": *)"\\d+"', '\\1"1"', 'g') WHERE key = $1`;

function networkTo(issuer: string): INetworkModule {
  const send = async (method: string, url: string, { headers = {}, body }: NetworkRequestOptions = {}) => {
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await fetch(url.replace(AUTHORITY, issuer), init);
    const { status } = response;
    return { status, headers: Object.fromEntries(response.headers), body: (await response.json()) as never };
  };
  return {
    sendGetRequestAsync: (url, options) => send('GET', url, options),
    sendPostRequestAsync: (url, options) => send('POST', url, options),
  };
}

function clientOf({ issuer, clientId, clientSecret }: Setup, pool: Pool, userId: string) {
  const cache = {
    get: async (key: string) =>
      (await pool.query<{ value: string }>('SELECT value FROM msal_cache WHERE key = $1', [key])).rows[0]
        ?.value ?? '',
    set: async (key: string, value: string) => {
      const save = 'INSERT INTO msal_cache VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2';
      await pool.query(save, [key, value]);
      return value;
    },
  };
  const partition = { getKey: async () => userId, extractKey: async () => userId };
  return new ConfidentialClientApplication({
    auth: {
      clientId,
      clientSecret,
      authority: AUTHORITY,
      knownAuthorities: [new URL(AUTHORITY).host],
      authorityMetadata: JSON.stringify(METADATA),
    },
    cache: { cachePlugin: new DistributedCachePlugin(cache, partition) },
    system: { networkClient: networkTo(issuer), protocolMode: ProtocolMode.OIDC },
  });
}

/** `acquireTokenSilent` with its distributed token cache, a partition for each user. */
export const contender: Contender = {
  async store(setup, logins) {
    const pool = poolOf(setup);
    await pool.query('CREATE TABLE msal_cache (key text PRIMARY KEY, value text)');
    for (const { userId, tokens } of logins) {
      const client = clientOf(setup, pool, userId);
      // The way in for refresh tokens that another library has obtained: it presents them once.
      const { refresh_token: refreshToken } = tokens;
      await client.acquireTokenByRefreshToken({ refreshToken, scopes: SCOPES, forceCache: true });
      await pool.query(EXPIRE, [userId]);
    }
    await pool.end();
  },
  async open(setup): Promise<Caller> {
    const pool = poolOf(setup);
    const clients = new Map<string, ConfidentialClientApplication>();
    return {
      async getAccessToken(userId) {
        const client = clients.get(userId) ?? clientOf(setup, pool, userId);
        clients.set(userId, client);
        const [account] = await client.getTokenCache().getAllAccounts();
        return (await client.acquireTokenSilent({ account: account!, scopes: SCOPES })).accessToken;
      },
      end: () => pool.end(),
    };
  },
};

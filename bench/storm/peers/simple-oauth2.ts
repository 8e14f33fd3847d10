import { AuthorizationCode } from 'simple-oauth2';
import type { Caller, Contender } from '../contender.js';
import { poolOf, SharedRows, storeRows } from '../shared-row.js';

/** `createToken` of what is stored, `expired()`, `refresh()`, and its JSON back into the row. */
export const contender: Contender = {
  store: storeRows,
  async open({ issuer, clientId, clientSecret, ...setup }): Promise<Caller> {
    const rows = new SharedRows(poolOf({ issuer, clientId, clientSecret, ...setup }));
    const client = new AuthorizationCode({
      client: { id: clientId, secret: clientSecret },
      auth: { tokenHost: issuer, tokenPath: '/token' },
    });
    return {
      async getAccessToken(userId) {
        const row = await rows.read(userId);
        const stored = client.createToken({ ...row, expires_at: new Date(row.expires_at).toISOString() });
        if (!stored.expired()) return stored.token.access_token;
        const { token } = await stored.refresh();
        return (await rows.save(userId, row.refresh_token, token)).access_token;
      },
      end: () => rows.end(),
    };
  },
};

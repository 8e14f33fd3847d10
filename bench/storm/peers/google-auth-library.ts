import { OAuth2Client } from 'google-auth-library';
import type { Caller, Contender } from '../contender.js';
import { poolOf, SharedRows, storeRows } from '../shared-row.js';

/** One client for each user, with the stored credentials; what its event `tokens` brings is stored. */
export const contender: Contender = {
  store: storeRows,
  async open(setup): Promise<Caller> {
    const { issuer, clientId, clientSecret } = setup;
    const rows = new SharedRows(poolOf(setup));
    const clients = new Map<string, Promise<OAuth2Client>>();
    const clientOf = async (userId: string): Promise<OAuth2Client> => {
      const endpoints = { oauth2TokenUrl: `${issuer}/token` };
      const client = new OAuth2Client({ clientId, clientSecret, endpoints });
      const { expires_at: expiry_date, ...stored } = await rows.read(userId);
      client.setCredentials({ ...stored, expiry_date });
      client.on('tokens', ({ access_token, refresh_token, expiry_date: expiry }) => {
        const expires_in = ((expiry ?? 0) - Date.now()) / 1000;
        const answer = { access_token: access_token!, refresh_token: refresh_token ?? undefined, expires_in };
        void rows.save(userId, stored.refresh_token, answer);
      });
      return client;
    };
    return {
      async getAccessToken(userId) {
        if (!clients.has(userId)) clients.set(userId, clientOf(userId));
        return (await (await clients.get(userId)!).getAccessToken()).token!;
      },
      end: () => rows.end(),
    };
  },
};

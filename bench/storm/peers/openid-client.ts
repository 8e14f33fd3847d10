import { allowInsecureRequests, type Configuration, discovery, refreshTokenGrant } from 'openid-client';
import type { Caller, Contender, Setup } from '../contender.js';
import { poolOf, SharedRows, storeRows } from '../shared-row.js';

export const configurationOf = ({ issuer, clientId, clientSecret }: Setup): Promise<Configuration> =>
  discovery(new URL(issuer), clientId, clientSecret, undefined, { execute: [allowInsecureRequests] });

/** By hand: reads the row, refreshes with `refreshTokenGrant` when it has expired, writes the row. */
export const contender: Contender = {
  store: storeRows,
  async open(setup): Promise<Caller> {
    const [configuration, rows] = [await configurationOf(setup), new SharedRows(poolOf(setup))];
    return {
      async getAccessToken(userId) {
        const { access_token, refresh_token, expires_at } = await rows.read(userId);
        if (expires_at > Date.now()) return access_token;
        const answer = await refreshTokenGrant(configuration, refresh_token);
        return (await rows.save(userId, refresh_token, answer)).access_token;
      },
      end: () => rows.end(),
    };
  },
};

import { refreshTokenGrant } from 'openid-client';
import type { Caller, Contender } from '../contender.js';
import { poolOf, SharedRows, storeRows } from '../shared-row.js';
import { configurationOf } from './openid-client.js';

/**
 * By hand, with the row locked from the read to the write: a transaction, and a connection of the pool, for every caller
 * who waits and for as long as the provider takes.
 */
export const contender: Contender = {
  store: storeRows,
  async open(setup): Promise<Caller> {
    const [configuration, rows] = [await configurationOf(setup), new SharedRows(poolOf(setup))];
    return {
      getAccessToken: (userId) =>
        rows.locked(userId, async ({ access_token, refresh_token, expires_at }, save) => {
          if (expires_at > Date.now()) return access_token;
          return (await save(await refreshTokenGrant(configuration, refresh_token))).access_token;
        }),
      end: () => rows.end(),
    };
  },
};

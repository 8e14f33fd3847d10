import axios, { type AxiosInstance } from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import type { Caller, Contender } from '../contender.js';
import { poolOf, SharedRows, storeRows, type TokenRow } from '../shared-row.js';

/** Knows of an expiry by the answer 401 of the API only: a call is a request to it, and its token the one that was taken. */
export const contender: Contender = {
  store: storeRows,
  async open({ issuer, clientId, clientSecret, ...setup }): Promise<Caller> {
    const rows = new SharedRows(poolOf({ issuer, clientId, clientSecret, ...setup }));
    const clientOf = (userId: string): AxiosInstance => {
      const client = axios.create({ baseURL: issuer });
      client.interceptors.request.use((request) =>
        rows.read(userId).then(({ access_token }) => {
          request.headers.set('authorization', `Bearer ${access_token}`);
          return request;
        }),
      );
      // Its types are those of axios for CommonJS.
      createAuthRefresh(client as never, async () => {
        const { refresh_token } = await rows.read(userId);
        const form = { grant_type: 'refresh_token', refresh_token };
        const auth = { username: clientId, password: clientSecret };
        const { data } = await axios.post<TokenRow>(`${issuer}/token`, new URLSearchParams(form), { auth });
        await rows.save(userId, refresh_token, data);
      });
      return client;
    };
    const clients = new Map<string, AxiosInstance>();
    return {
      async getAccessToken(userId) {
        if (!clients.has(userId)) clients.set(userId, clientOf(userId));
        const { config } = await clients.get(userId)!.get('/me');
        return String(config.headers.get('authorization')).replace('Bearer ', '');
      },
      end: () => rows.end(),
    };
  },
};

import OAuth2Strategy from 'passport-oauth2';
import refresh from 'passport-oauth2-refresh';
import type { Caller, Contender } from '../contender.js';
import { poolOf, SharedRows, storeRows } from '../shared-row.js';

const NAME = 'acme';

/** `requestNewAccessToken` for the strategy that was registered, with what it answers stored by the application. */
export const contender: Contender = {
  store: storeRows,
  async open(setup): Promise<Caller> {
    const { issuer, clientId: clientID, clientSecret } = setup;
    const rows = new SharedRows(poolOf(setup));
    const urls = { authorizationURL: `${issuer}/authorize`, tokenURL: `${issuer}/token` };
    refresh.use(NAME, new OAuth2Strategy({ ...urls, clientID, clientSecret }, () => undefined));
    return {
      async getAccessToken(userId) {
        const { access_token, refresh_token, expires_at } = await rows.read(userId);
        if (expires_at > Date.now()) return access_token;
        const answer = await requestNewAccessToken(refresh_token);
        return (await rows.save(userId, refresh_token, answer)).access_token;
      },
      end: () => rows.end(),
    };
  },
};

interface Answer {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

const requestNewAccessToken = (refreshToken: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    refresh.requestNewAccessToken(NAME, refreshToken, (fault, access_token, refresh_token, answer) => {
      if (fault) reject(new Error(fault.data ?? 'the refresh has failed'));
      else resolve({ access_token, refresh_token, expires_in: answer.expires_in });
    });
  });

import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { genericOAuth } from 'better-auth/plugins';
import type { Caller, Contender, Setup } from '../contender.js';
import { poolOf } from '../shared-row.js';

const PROVIDER = 'acme';
const emailOf = (userId: string): string => `${userId}@example.com`;

function authOf(setup: Setup) {
  const { issuer, clientId, clientSecret, keyring } = setup;
  const pool = poolOf(setup);
  const auth = betterAuth({
    baseURL: 'http://localhost:3000',
    secret: keyring,
    database: pool,
    account: { encryptOAuthTokens: true },
    telemetry: { enabled: false },
    plugins: [
      genericOAuth({
        config: [
          {
            providerId: PROVIDER,
            clientId,
            clientSecret,
            authorizationUrl: `${issuer}/authorize`,
            tokenUrl: `${issuer}/token`,
          },
        ],
      }),
    ],
  });
  return { auth, pool };
}

/** Its own tables, and `auth.api.getAccessToken`. */
export const contender: Contender = {
  async store(setup, logins) {
    const { auth, pool } = authOf(setup);
    await (await getMigrations(auth.options)).runMigrations();
    const { internalAdapter } = await auth.$context;
    for (const { userId, tokens } of logins)
      await internalAdapter.createOAuthUser(
        { name: userId, email: emailOf(userId), emailVerified: true },
        {
          providerId: PROVIDER,
          accountId: userId,
          accessToken: tokens.access_token,
          refreshToken: tokens.refresh_token,
          accessTokenExpiresAt: new Date(Date.now() - 1),
          scope: tokens.scope,
        },
      );
    await pool.end();
  },
  async open(setup): Promise<Caller> {
    const { auth, pool } = authOf(setup);
    const { internalAdapter } = await auth.$context;
    const selections = new Map<string, Promise<{ accountId: string; userId: string }>>();
    const select = async (userId: string) => {
      const { user } = (await internalAdapter.findUserByEmail(emailOf(userId)))!;
      const [account] = await internalAdapter.findAccounts(user.id);
      return { accountId: account!.id, userId: user.id };
    };
    return {
      async getAccessToken(userId) {
        if (!selections.has(userId)) selections.set(userId, select(userId));
        return (await auth.api.getAccessToken({ body: await selections.get(userId)! })).accessToken;
      },
      end: () => pool.end(),
    };
  },
};

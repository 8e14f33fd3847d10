import type { TokenService } from '@tokenward/nestjs';
import type { Login, Served } from './provider.process.js';

/** Hands out users so that nobody is refreshed twice at the same time. */
export class IdleUsers<User> {
  constructor(private readonly idle: User[]) {}

  async use(work: (user: User) => Promise<unknown>): Promise<void> {
    const user = this.idle.shift();
    if (user === undefined) throw new Error('there are fewer users than callers');
    await work(user);
    this.idle.push(user);
  }
}

/** As little around `fetch` as can be. */
export async function presentByHand(
  { tokenEndpoint, clientId, clientSecret }: Served,
  refreshToken: string,
): Promise<Login> {
  const headers = { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` };
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken });
  const response = await fetch(tokenEndpoint, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`the provider has answered ${response.status}`);
  return (await response.json()) as Login;
}

/** Whoever has refresh tokens in memory, and stores nothing. */
export function refreshByHand(served: Served, logins: readonly Login[]): () => Promise<void> {
  const users = new IdleUsers(logins.map((login) => ({ refreshToken: login.refresh_token })));
  return () =>
    users.use(async (user) => {
      user.refreshToken = (await presentByHand(served, user.refreshToken)).refresh_token;
    });
}

export const refreshByLibrary = (tokens: TokenService, count: number): (() => Promise<void>) => {
  const users = new IdleUsers(Array.from({ length: count }, (_, index) => `user-${index}`));
  return () => users.use((userId) => tokens.refreshTokens({ userId, provider: 'acme' }));
};

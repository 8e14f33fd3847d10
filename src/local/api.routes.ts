import { setTimeout } from 'node:timers/promises';

/** What the provider says of a token (RFC 7662). */
export interface Introspection {
  active: boolean;
  sub?: string;
  scope?: string;
  client_id?: string;
  exp?: number;
}

const now = (): number => Math.floor(Date.now() / 1000);

const tickCount = 5;
const tickMs = 600;

/** An answer that comes bit by bit, as a long list or a language model's does. */
async function* ticks(): AsyncGenerator<string> {
  for (let tick = 1; tick <= tickCount; tick += 1) {
    yield `${JSON.stringify({ tick, of: tickCount, at: new Date().toISOString() })}\n`;
    if (tick < tickCount) await setTimeout(tickMs);
  }
}

/** By path: what the demo API answers to a \`GET\` with a good token. */
export const routes: Record<string, (token: Introspection) => unknown> = {
  '/me': ({ sub, scope, client_id: client, exp = now() }) => ({
    sub,
    scope,
    client,
    tokenExpiresInSeconds: exp - now(),
  }),
  '/time': () => ({ now: new Date().toISOString() }),
  '/ticks': ticks,
};

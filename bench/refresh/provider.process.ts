import type { TokenResponse } from '@tokenward/nestjs';
import { startAuthorizationServer } from '@tokenward/nestjs/testing';
import { times } from '../../test/faults/stage/measure.js';
import { startProvider } from '../../test/support/provider.js';
import { serve } from '../serve.js';

/** `test provider`: oidc-provider, as the tests use it. `testing kit`: the small one of `@tokenward/nestjs/testing`. */
export interface Orders {
  kind: 'test provider' | 'testing kit';
}

export interface Served {
  tokenEndpoint: string;
  clientId: string;
  clientSecret: string;
}

/** What came of a log-in. */
export type Login = TokenResponse & { refresh_token: string };

export type Methods = Awaited<ReturnType<typeof begin>>;

const SCOPE = 'openid offline_access api';

async function begin({ kind }: Orders) {
  const { mint, stop, served } = kind === 'testing kit' ? await testingKit() : await testProvider();
  return {
    served: async () => served,
    /** So many users log in. */
    mint: (count: number): Promise<Login[]> =>
      Promise.all(times(count, async (index) => ({ ...(await mint(`user-${index}`)) }))),
    close: async () => stop(),
  };
}

async function testProvider() {
  const provider = await startProvider();
  const { issuer, clientId, clientSecret } = provider;
  return {
    mint: (user: string) => provider.mintTokens({ sub: user, scope: SCOPE }),
    stop: () => provider.stop(),
    served: { tokenEndpoint: `${issuer}/token`, clientId, clientSecret },
  };
}

async function testingKit() {
  const clientId = 'bench';
  const clientSecret = 'bench-secret-of-more-than-32-characters';
  const server = await startAuthorizationServer({
    mode: 'strict',
    clients: [{ clientId, clientSecret }],
  });
  return {
    mint: (user: string) => server.mint(user, { scope: SCOPE }),
    stop: () => server.stop(),
    served: { tokenEndpoint: `${server.issuer}/token`, clientId, clientSecret },
  };
}

serve(begin);

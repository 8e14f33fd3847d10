import { tokenRevocation } from 'openid-client';
import { errorCode } from './error-code.js';
import type { Provider } from './providers.js';
import { capturingFetch } from './token-endpoint.js';

/** Revokes a token at the provider (RFC 7009). Null when done, otherwise why not, as a code. Never throws. */
export async function revokeAtProvider(provider: Provider, token: string): Promise<string | null> {
  let failure = 'no_client';
  for (const credential of provider.credentials) {
    try {
      if (!(await provider.metadata()).revocation_endpoint) return 'no_revocation_endpoint';
      const client = await provider.client(
        credential,
        capturingFetch((reply) => reply.body),
      );
      await tokenRevocation(client, token);
      return null;
    } catch (error) {
      failure = errorCode(error);
    }
  }
  return failure;
}

import { tokenRevocation } from 'openid-client';
import type { Provider } from './providers.js';
import { capturingFetch } from './token-endpoint.js';

/** Revokes a token at the provider (RFC 7009). Null when done, otherwise why not, in one word. Never throws. */
export async function revokeAtProvider(provider: Provider, token: string): Promise<string | null> {
  try {
    if (!(await provider.metadata()).revocation_endpoint) return 'no_revocation_endpoint';
    const client = await provider.client(
      provider.clientSecrets[0],
      capturingFetch((reply) => reply.body),
    );
    await tokenRevocation(client, token);
    return null;
  } catch (error) {
    return String((error as { code?: unknown }).code ?? 'unavailable');
  }
}

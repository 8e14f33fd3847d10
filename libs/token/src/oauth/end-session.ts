import { buildEndSessionUrl } from 'openid-client';
import type { Provider } from './providers.js';

/**
 * Where the user can end the provider's own session (OpenID Connect RP-Initiated Logout 1.0 §2); null where the provider has
 * no such place, or cannot be asked for it. Names the client by `client_id` and sends no `id_token_hint`: an ID
 * token in an address is one in the browser's history and in logs on the way. The provider asks its user instead.
 */
export async function endSessionUrl(
  provider: Provider,
  postLogoutRedirectUri: string,
): Promise<string | null> {
  try {
    if (!(await provider.metadata()).end_session_endpoint) return null;
    const client = await provider.client(provider.credentials[0], fetch);
    return buildEndSessionUrl(client, { post_logout_redirect_uri: postLogoutRedirectUri }).href;
  } catch {
    // The user is logged out here in any case.
    return null;
  }
}

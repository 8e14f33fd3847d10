import type { TestClient } from './authorization-server.options.js';
import { OAuthRefusal } from './oauth-answer.js';

interface Credentials {
  id: string | null;
  secret: string | null;
}

/** Form-encoded before Base64 (RFC 6749 §2.3.1). */
const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', '%20'));

function basic(authorization: string): Credentials {
  const encoded = /^basic ([\w+/=-]+)$/i.exec(authorization)?.[1] ?? '';
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) throw new OAuthRefusal('invalid_request', 'the authorization header is malformed');
  try {
    return { id: decoded(text.slice(0, colon)), secret: decoded(text.slice(colon + 1)) };
  } catch {
    throw new OAuthRefusal('invalid_request', 'the client credentials are not form-encoded');
  }
}

function credentialsOf(authorization: string | undefined, form: URLSearchParams): Credentials {
  const posted = { id: form.get('client_id'), secret: form.get('client_secret') };
  if (authorization === undefined) return posted;
  const sent = basic(authorization);
  if (posted.secret !== null)
    throw new OAuthRefusal('invalid_request', 'the client has authenticated in two ways');
  if (posted.id !== null && posted.id !== sent.id)
    throw new OAuthRefusal('invalid_request', 'two client ids');
  return sent;
}

/** The client that sends this request, by `client_secret_basic`, `client_secret_post` or `none`. @throws OAuthRefusal */
export function authenticate(
  clients: readonly TestClient[],
  authorization: string | undefined,
  form: URLSearchParams,
): string {
  const { id, secret } = credentialsOf(authorization, form);
  if (id === null) throw new OAuthRefusal('invalid_request', 'the client has not said who it is');
  const client = clients.find(({ clientId }) => clientId === id);
  const good =
    client?.clientSecret === undefined
      ? client !== undefined && secret === null
      : secret !== null && [client.clientSecret].flat().includes(secret);
  if (!good) throw new OAuthRefusal('invalid_client', 'client authentication failed', 401);
  return id;
}

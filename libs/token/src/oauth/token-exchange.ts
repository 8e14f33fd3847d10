import { genericTokenEndpointRequest } from 'oauth4webapi';
import type { DpopKey } from '../crypto/dpop-key.js';
import type { Provider } from './providers.js';
import { type RequestAnswer, requestToken, targetParameters, type TokenTarget } from './token-request.js';

/** RFC 8693 §2.1. */
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** What may be asked for, by the names of RFC 8693 §3. All others stand for something that is no access token. */
export const REQUESTED_TYPES = {
  access_token: 'urn:ietf:params:oauth:token-type:access_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const;

export type RequestedTokenType = keyof typeof REQUESTED_TYPES;

/** `access_token` says how the token is used, `jwt` how it is made (RFC 8693 §3): who asks for a JWT may get either. */
function issuedTypeFault(requested: RequestedTokenType, issued: unknown): string | null {
  if (issued === undefined || issued === null) return 'issued_token_type is missing';
  return issued === REQUESTED_TYPES.access_token || issued === REQUESTED_TYPES[requested]
    ? null
    : 'issued_token_type is not the type that was asked for';
}

/** Exchanges a user's access token for another one (RFC 8693). Never throws. */
export function exchangeSubjectToken(
  provider: Provider,
  key: DpopKey | null,
  subjectToken: string,
  requestedType: RequestedTokenType,
  target: TokenTarget,
): Promise<RequestAnswer> {
  const parameters = targetParameters(target);
  parameters.set('subject_token', subjectToken);
  parameters.set('subject_token_type', REQUESTED_TYPES.access_token);
  parameters.set('requested_token_type', REQUESTED_TYPES[requestedType]);
  return requestToken(
    provider,
    key,
    (server, client, authentication, options) =>
      genericTokenEndpointRequest(server, client, authentication, GRANT_TYPE, parameters, options),
    (json) => issuedTypeFault(requestedType, json['issued_token_type']),
  );
}

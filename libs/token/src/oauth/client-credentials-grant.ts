import { clientCredentialsGrantRequest } from 'oauth4webapi';
import type { DpopKey } from '../crypto/dpop-key.js';
import type { Provider } from './providers.js';
import { type RequestAnswer, requestToken, targetParameters, type TokenTarget } from './token-request.js';

/** A token of the application itself (RFC 6749 §4.4), for the resources that are named (RFC 8707). Never throws. */
export const requestClientToken = (
  provider: Provider,
  key: DpopKey | null,
  target: TokenTarget,
): Promise<RequestAnswer> =>
  requestToken(provider, key, (server, client, authentication, options) =>
    clientCredentialsGrantRequest(server, client, authentication, targetParameters(target), options),
  );

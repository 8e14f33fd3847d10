import { authorizationCodeGrantRequest, validateAuthResponse } from 'oauth4webapi';
import type { DpopKey } from '../crypto/dpop-key.js';
import { failedStep, responseFailure, type StepFailure, stepFailure } from './authorization-request.js';
import { errorCode } from './error-code.js';
import type { Provider } from './providers.js';
import { sendGrant } from './token-grant.js';

/** What the answer to an authorization request has to fit. */
export interface ExpectedAnswer {
  state: string;
  codeVerifier: string;
}

type Answer = { outcome: 'answered'; json: Record<string, unknown> } | StepFailure;

/** The callback as it was registered and asked for: what the provider has added to it is left out. */
function redirectUriOf(callback: URL): string {
  const uri = new URL(callback);
  uri.search = '';
  uri.hash = '';
  return uri.href;
}

/**
 * Exchanges the code that a browser has brought to `callback` (RFC 6749 §4.1.3), after `state` and `iss` (RFC 9207) have
 * been found right. When the client itself was refused, which uses no code up, again with the next client secret or key.
 * With a `key` the tokens are bound to it (RFC 9449 §5). ID token, lifetime and scope are still to be judged. Never throws.
 */
export async function exchangeCode(
  provider: Provider,
  callback: URL,
  { state, codeVerifier }: ExpectedAnswer,
  key: DpopKey | null,
): Promise<Answer> {
  let parameters: URLSearchParams;
  try {
    const server = await provider.metadata();
    try {
      parameters = validateAuthResponse(server, provider.identity, callback, state);
    } catch (error) {
      return responseFailure(error);
    }
    const codes = parameters.getAll('code');
    if (codes.length !== 1 || codes[0] === '')
      return failedStep('refused', 'the answer has no code, or more than one');
  } catch (error) {
    return failedStep('unreachable', `discovery failed (${errorCode(error)})`);
  }
  const answer = await sendGrant(provider, key, (server, client, authentication, options) =>
    authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      redirectUriOf(callback),
      codeVerifier,
      options,
    ),
  );
  if (answer!.outcome === 'answered') return answer!;
  // What keeps this client from asking at all does not pass by itself.
  return answer!.unsent ? failedStep('refused', answer!.reason) : stepFailure(answer!);
}

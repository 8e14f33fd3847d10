import { authorizationCodeGrant } from 'openid-client';
import type { DpopKey } from '../crypto/dpop-key.js';
import { failedStep, responseFailure, type StepFailure, stepFailure } from './authorization-request.js';
import { classify, classifyNetworkError, type Classification } from './classification.js';
import { errorCode } from './error-code.js';
import type { ClientCredential, Provider } from './providers.js';
import { capturingFetch } from './token-endpoint.js';
import type { TokenRequestProof } from './token-request-proof.js';

/** What the answer to an authorization request has to fit. */
export interface ExpectedAnswer {
  state: string;
  codeVerifier: string;
}

type Answer = { outcome: 'answered'; json: Record<string, unknown> } | StepFailure;

/** One request with one client secret or key. `unsent`: the callback itself was refused. */
async function present(
  provider: Provider,
  credential: ClientCredential,
  callback: URL,
  { state, codeVerifier }: ExpectedAnswer,
  proof: TokenRequestProof | null,
): Promise<Classification | { outcome: 'unsent'; failure: StepFailure }> {
  let classified: Classification | undefined;
  let sent = false;
  const fetch = capturingFetch(
    (reply) => {
      classified = classify(reply, provider.profile);
      // The ID token is checked apart, with the provider's keys and the database's clock; the rest by our own tables.
      return classified.outcome === 'answered'
        ? JSON.stringify({ access_token: 'received', token_type: 'bearer' })
        : reply.body;
    },
    () => (sent = true),
    proof,
  );
  try {
    const client = await provider.client(credential, fetch);
    await authorizationCodeGrant(client, callback, { expectedState: state, pkceCodeVerifier: codeVerifier });
  } catch (error) {
    if (!sent) return { outcome: 'unsent', failure: responseFailure(error) };
    classified ??= classifyNetworkError(error);
  }
  return (
    classified ?? { outcome: 'outcome_unknown', reason: 'unreadable token response', retryAfterSeconds: null }
  );
}

/**
 * Exchanges the code that a browser has brought to `callback` (RFC 6749 §4.1.3), after `state` and `iss` (RFC 9207) have
 * been found right. When the client itself was refused, which uses no code up, again with the next client secret or key.
 * With a `key` the tokens are bound to it (RFC 9449 §5). Never throws.
 */
export async function exchangeCode(
  provider: Provider,
  callback: URL,
  expected: ExpectedAnswer,
  key: DpopKey | null,
): Promise<Answer> {
  try {
    await provider.metadata();
  } catch (error) {
    return failedStep('unreachable', `discovery failed (${errorCode(error)})`);
  }
  const proof = provider.proofOf(key);
  let answer: Exclude<Classification, { outcome: 'answered' }> | undefined;
  for (const credential of provider.credentials) {
    let now = await present(provider, credential, callback, expected, proof);
    if (now.outcome !== 'answered' && now.outcome !== 'unsent' && proof?.repeats(now.reason))
      now = await present(provider, credential, callback, expected, proof);
    if (now.outcome === 'unsent') return now.failure;
    // Who refuses the code has accepted the client.
    if (now.outcome === 'answered' || now.outcome === 'grant_rejected') provider.accepted(credential);
    if (now.outcome === 'answered') return now;
    answer = now;
    // Another secret makes no better proof.
    if (now.outcome !== 'client_rejected' || now.reason === 'invalid_dpop_proof') break;
  }
  return stepFailure(answer!);
}

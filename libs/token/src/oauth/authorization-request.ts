import { AuthorizationResponseError } from 'oauth4webapi';
import {
  buildAuthorizationUrl,
  buildAuthorizationUrlWithJAR,
  buildAuthorizationUrlWithPAR,
  type Configuration,
  modifyAssertion,
} from 'openid-client';
import { SigningKey } from '../crypto/signing-key.js';
import { classify, classifyNetworkError, type Classification } from './classification.js';
import { errorCode } from './error-code.js';
import type { ClientCredential, Provider } from './providers.js';
import { capturingFetch } from './token-endpoint.js';

/** Why a step of a log-in did not work: the provider is away, says that its user does not want to, or anything else. */
export interface StepFailure {
  outcome: 'unreachable' | 'declined' | 'refused';
  /** For the log: an error code, a status, or words of ours. */
  reason: string;
}

export const failedStep = (outcome: StepFailure['outcome'], reason: string): StepFailure => ({
  outcome,
  reason,
});

export const isFailure = (value: object): value is StepFailure => 'outcome' in value && 'reason' in value;

/** What an answer of an endpoint, or none, means for a log-in. */
export function stepFailure(answer: Exclude<Classification, { outcome: 'answered' }>): StepFailure {
  const away = ['unavailable', 'throttled', 'outcome_unknown'].includes(answer.outcome);
  return failedStep(away ? 'unreachable' : 'refused', answer.reason);
}

/** What the provider says in the address of the callback (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6). */
export function responseFailure(error: unknown): StepFailure {
  if (!(error instanceof AuthorizationResponseError)) return failedStep('refused', errorCode(error));
  const code = /^[a-z_]{1,40}$/.test(error.error) ? error.error : 'unknown error code';
  if (code === 'access_denied') return failedStep('declined', code);
  return failedStep(
    ['server_error', 'temporarily_unavailable'].includes(code) ? 'unreachable' : 'refused',
    code,
  );
}

/** Signed by the client's key (RFC 9101): nobody on the way, nor the user's browser, can change what is asked for. */
async function signed(
  client: Configuration,
  parameters: URLSearchParams,
  key: SigningKey,
): Promise<URLSearchParams> {
  const { searchParams } = await buildAuthorizationUrlWithJAR(
    client,
    parameters,
    { key: await key.cryptoKey(), ...(key.keyId !== undefined && { kid: key.keyId }) },
    { [modifyAssertion]: (header) => void (header['alg'] = key.algorithm) },
  );
  return searchParams;
}

async function push(
  provider: Provider,
  credential: ClientCredential,
  parametersFor: (client: Configuration) => Promise<URLSearchParams>,
): Promise<URL | Exclude<Classification, { outcome: 'answered' }>> {
  let refused: Exclude<Classification, { outcome: 'answered' }> | undefined;
  const fetch = capturingFetch((reply) => {
    const answer = classify(reply);
    if (answer.outcome !== 'answered') refused = answer;
    return reply.body;
  });
  try {
    const client = await provider.client(credential, fetch);
    return await buildAuthorizationUrlWithPAR(client, await parametersFor(client));
  } catch (error) {
    if (refused) return refused;
    const failure = classifyNetworkError(error);
    return failure.outcome === 'answered'
      ? { outcome: 'unavailable', reason: errorCode(error), retryAfterSeconds: null }
      : failure;
  }
}

/**
 * Where to send the browser (RFC 6749 §4.1.1). Pushed to the provider first (RFC 9126) and signed (RFC 9101) where the
 * options say so, or the provider's metadata that it takes nothing else. Never throws.
 */
export async function authorizationUrl(
  provider: Provider,
  parameters: Record<string, string>,
): Promise<URL | StepFailure> {
  const { options } = provider;
  let server;
  try {
    server = await provider.metadata();
  } catch (error) {
    return failedStep('unreachable', `discovery failed (${errorCode(error)})`);
  }
  const pushes = options.pushedAuthorization ?? server.require_pushed_authorization_requests === true;
  const signs = options.signedRequests ?? server['require_signed_request_object'] === true;
  const asked = new URLSearchParams({ ...options.authorizationParameters, ...parameters });
  const parametersFor = async (
    client: Configuration,
    credential: ClientCredential,
  ): Promise<URLSearchParams> =>
    signs && credential instanceof SigningKey ? signed(client, asked, credential) : asked;

  const [first] = provider.credentials;
  if (signs && !(first instanceof SigningKey))
    return failedStep('refused', 'the provider wants signed requests, and there is no clientKey');
  if (!server.authorization_endpoint) return failedStep('refused', 'no authorization_endpoint is known');
  if (!pushes) {
    try {
      const client = await provider.client(first, fetch);
      return buildAuthorizationUrl(client, await parametersFor(client, first));
    } catch (error) {
      return failedStep('refused', errorCode(error));
    }
  }
  if (!server.pushed_authorization_request_endpoint)
    return failedStep('refused', 'no pushed_authorization_request_endpoint is known');
  let refused: StepFailure | undefined;
  for (const credential of provider.credentials) {
    const answer = await push(provider, credential, (client) => parametersFor(client, credential));
    if (answer instanceof URL) {
      provider.accepted(credential);
      return answer;
    }
    refused = stepFailure(answer);
    if (answer.outcome !== 'client_rejected') break;
  }
  return refused!;
}

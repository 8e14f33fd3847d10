import {
  allowInsecureRequests,
  customFetch,
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  type TokenEndpointRequestOptions,
} from 'oauth4webapi';
import type { DpopKey } from '../crypto/dpop-key.js';
import { classify, classifyNetworkError, type Classification } from './classification.js';
import { authentication } from './client-authentication.js';
import { errorCode } from './error-code.js';
import type { ClientCredential, Provider } from './providers.js';
import { readReply } from './token-endpoint.js';
import type { TokenRequestProof } from './token-request-proof.js';

/** Sends one kind of grant with the client library, which leaves the answer to us. */
export type SendGrant = (
  server: AuthorizationServer,
  client: Client,
  authentication: ClientAuth,
  options: TokenEndpointRequestOptions,
) => Promise<Response>;

/** Another client secret or key makes no better proof; by anything else a provider may mean the one that was shown. */
const PROOF_ERRORS = new Set(['invalid_dpop_proof']);

interface GrantSettings {
  /** What a refusal of the client is about that another client secret or key does not mend. */
  finalErrors?: ReadonlySet<string>;
  /** Asked once the provider was discovered, which may take long: false, and nothing is sent. */
  maySend?: () => boolean;
}

async function sendOnce(
  provider: Provider,
  credential: ClientCredential,
  send: SendGrant,
  proof: TokenRequestProof | null,
): Promise<Classification> {
  let sent = false;
  const sending: NonNullable<TokenEndpointRequestOptions[typeof customFetch]> = (url, options) => {
    sent = true;
    const { headers, ...others } = options;
    const proven = proof ? { ...headers, dpop: proof.header(url) } : headers;
    return fetch(url, { ...others, headers: proven, redirect: 'manual' });
  };
  try {
    const server = await provider.metadata();
    const proven = await authentication(credential, provider.options, server);
    const response = await send(server, provider.identity, proven, {
      [customFetch]: sending,
      [allowInsecureRequests]: provider.options.allowInsecureRequests ?? false,
      signal: AbortSignal.timeout(provider.timeoutSeconds * 1000),
    });
    proof?.learn(server.token_endpoint!, response.status, response.headers);
    return classify(await readReply(response), provider.profile);
  } catch (error) {
    return sent
      ? classifyNetworkError(error)
      : {
          outcome: 'unavailable',
          reason: `not sent (${errorCode(error)})`,
          retryAfterSeconds: null,
          unsent: true,
        };
  }
}

/**
 * Sends a grant to the token endpoint (RFC 6749 §4.5, §6) and says what came of it by our own tables, which tolerate more
 * than the client library; once, and only when the client itself was refused again with the next client secret or key. The
 * one that was accepted comes first the next time. With a `key` it is proven (RFC 9449 §5); a request that was refused for
 * its nonce had no effect, and is repeated once for each of them. Null where nothing was to be sent. Never throws.
 */
export async function sendGrant(
  provider: Provider,
  key: DpopKey | null,
  send: SendGrant,
  { finalErrors = PROOF_ERRORS, maySend = () => true }: GrantSettings = {},
): Promise<Classification | null> {
  try {
    // Apart from the grant, so that a failed discovery is never taken for a lost reply.
    await provider.metadata();
  } catch (error) {
    const reason = `discovery failed (${errorCode(error)})`;
    return { outcome: 'unavailable', reason, retryAfterSeconds: null };
  }
  if (!maySend()) return null;
  const proof = provider.proofOf(key);
  let answer: Classification;
  for (const credential of provider.credentials) {
    answer = await sendOnce(provider, credential, send, proof);
    if (answer.outcome !== 'answered' && proof?.repeats(answer.reason))
      answer = await sendOnce(provider, credential, send, proof);
    // Who refuses the grant has accepted the client.
    if (answer.outcome === 'answered' || answer.outcome === 'grant_rejected') provider.accepted(credential);
    if (answer.outcome !== 'client_rejected' || finalErrors.has(answer.reason)) break;
  }
  return answer!;
}

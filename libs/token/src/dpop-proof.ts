import { TokenInputError } from './common/errors.js';
import { isBound, IssuedAccessToken } from './common/tokens.js';
import { DpopKey } from './crypto/dpop-key.js';
import type { DpopProofs } from './oauth/dpop-proofs.js';
import { assertOptions } from './on-demand/request-options.js';
import type { DpopProofOptions } from './token.service.types.js';

const PROOF_FIELDS = ['method', 'url', 'nonce'];
const METHOD = /^[A-Za-z]{1,32}$/;

/** The `DPoP` header for a request of the application's own. @throws TokenInputError, also for a token that is not bound to a key */
export function dpopProof(proofs: DpopProofs, token: IssuedAccessToken, options: DpopProofOptions): string {
  assertOptions(options, PROOF_FIELDS);
  const { method, nonce } = options;
  const key = token instanceof IssuedAccessToken ? IssuedAccessToken.dpopKeyOf(token) : null;
  if (key === null || !isBound(token))
    throw new TokenInputError('token', 'must be an access token whose tokenType is DPoP', 'DPOP_KEY_MISSING');
  if (typeof method !== 'string' || !METHOD.test(method))
    throw new TokenInputError('method', 'must be a method of HTTP, such as GET');
  if (!URL.canParse(String(options.url)))
    throw new TokenInputError('url', 'must be an absolute URL such as https://api.example.com/me');
  const url = new URL(options.url);
  if (nonce !== undefined && !proofs.learn(url, nonce))
    throw new TokenInputError('nonce', 'must be what the server has sent as DPoP-Nonce');
  return proofs.prove(DpopKey.parse(key), { method, url, accessToken: token.value });
}

import type { AxiosResponse } from 'axios';
import { TokenConfigurationError } from '../common/errors.js';
import { isBound, IssuedAccessToken } from '../common/tokens.js';
import { DpopKey } from '../crypto/dpop-key.js';
import { asksForNonce, type DpopProofs, readNonce } from '../oauth/dpop-proofs.js';
import type { RedirectOptions } from './egress.js';

/** How one request shows that it may use its token: nothing more for a bearer token, a proof for one that is bound to a key. */
export class RequestProof {
  readonly #key: DpopKey | null;

  /**
   * `nonce`: what the refusal of the request before has asked for. It may be good for one request only.
   * @throws TokenConfigurationError for a bound token whose key is not here
   */
  constructor(
    private readonly proofs: DpopProofs,
    private readonly token: IssuedAccessToken,
    provider: string,
    private nonce: string | null = null,
  ) {
    const key = IssuedAccessToken.dpopKeyOf(token);
    const bound = isBound(token);
    if (bound && key === null)
      throw new TokenConfigurationError(
        [
          `A token of provider "${provider}" is bound to a key (DPoP) that is not stored with it: set providers.${provider}.dpop, and hand the key of the log-in to storeTokens.`,
        ],
        'TOKEN_TYPE_UNSUPPORTED',
      );
    this.#key = bound ? DpopKey.parse(key!) : null;
  }

  /** RFC 9449 §7.1. */
  headers(method: string, url: URL): Record<string, string> {
    const { value } = this.token;
    if (this.#key === null) return { Authorization: `Bearer ${value}` };
    return {
      Authorization: `DPoP ${value}`,
      DPoP: this.proofs.prove(this.#key, { method, url, accessToken: value, nonce: this.nonce }),
    };
  }

  /** A redirect within the origin is another request: the proof of the first one does not fit it. */
  redirected(options: RedirectOptions, { origin }: URL, answer: { headers?: Record<string, unknown> }): void {
    if (this.#key === null || !options.headers) return;
    const { method = 'GET', path = '/' } = options;
    this.nonce = readNonce(answer.headers?.['dpop-nonce']);
    this.proofs.learn(new URL(origin), this.nonce);
    Object.assign(options.headers, this.headers(method, new URL(origin + path)));
  }

  /** Notes the nonce of an answer for whoever comes next; that of a request that was refused for want of it is returned instead (RFC 9449 §9). */
  wantedNonce({ status, headers }: AxiosResponse, target: URL): string | null {
    if (this.#key === null) return null;
    const nonce = readNonce(headers['dpop-nonce']);
    if (status === 401 && asksForNonce(headers['www-authenticate'])) return nonce;
    this.proofs.learn(target, nonce ?? this.nonce);
    return null;
  }
}

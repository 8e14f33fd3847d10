import type { DpopKey } from '../crypto/dpop-key.js';
import { type DpopProofs, readNonce } from './dpop-proofs.js';

/**
 * The proof of one key in one call for tokens (RFC 9449 §5). A request that was refused for its nonce has had no effect
 * (§8) and may be repeated with the nonce that came with the refusal: once for each client secret or key. That nonce may be
 * good for one request only, so it is for this call, and for others when it has served.
 */
export class TokenRequestProof {
  #own: string | null = null;

  constructor(
    private readonly proofs: DpopProofs,
    private readonly key: DpopKey,
  ) {}

  header(url: string): string {
    return this.proofs.prove(this.key, { method: 'POST', url: new URL(url), nonce: this.#own });
  }

  learn(url: string, status: number, headers: Headers): void {
    const nonce = readNonce(headers.get('dpop-nonce'));
    if (status === 400 || status === 401) this.#own = nonce ?? this.#own;
    else this.proofs.learn(new URL(url), nonce ?? this.#own);
  }

  /** Whether the request is to be repeated after an answer with this error code. */
  repeats(reason: string | undefined): boolean {
    return reason === 'use_dpop_nonce' && this.#own !== null;
  }
}

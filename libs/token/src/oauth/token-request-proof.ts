import type { DpopKey } from '../crypto/dpop-key.js';
import type { DpopProofs } from './dpop-proofs.js';

/**
 * The proof of one key in one call for tokens (RFC 9449 §5). A request that was refused for its nonce has had no effect
 * (§8) and may be repeated with the nonce that came with the refusal: once in the whole call.
 */
export class TokenRequestProof {
  #hasNonce = false;
  #repeated = false;

  constructor(
    private readonly proofs: DpopProofs,
    private readonly key: DpopKey,
  ) {}

  header(url: string): string {
    return this.proofs.prove(this.key, { method: 'POST', url: new URL(url) });
  }

  learn(url: string, headers: Headers): void {
    this.#hasNonce = this.proofs.learn(new URL(url), headers.get('dpop-nonce'));
  }

  /** Whether the request is to be repeated after an answer with this error code. */
  repeats(reason: string | undefined): boolean {
    if (reason !== 'use_dpop_nonce' || !this.#hasNonce || this.#repeated) return false;
    this.#repeated = true;
    return true;
  }
}

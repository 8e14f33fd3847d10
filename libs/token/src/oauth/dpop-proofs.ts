import { LRUCache } from 'lru-cache';
import type { Clock } from '../common/clock.js';
import type { DpopKey } from '../crypto/dpop-key.js';
import { randomId } from '../crypto/random.js';
import { sha256 } from '../crypto/sha256.js';

/** One request that a key is proven in (RFC 9449 §4.2). */
export interface ProvenRequest {
  method: string;
  url: URL;
  /** The token that goes with it; none in a token request. */
  accessToken?: string;
  /** The nonce to be in it; default: the one that its origin has given last. */
  nonce?: string | null;
}

/** RFC 9449 §8.1, and a bound of ours. */
const NONCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/;
const MAX_ORIGINS = 1000;

/** A `DPoP-Nonce` as it may go into a proof; null for anything else. */
export const readNonce = (nonce: unknown): string | null =>
  typeof nonce === 'string' && NONCE.test(nonce) ? nonce : null;

/** Whether an answer asks for a nonce (RFC 9449 §9), going by its `WWW-Authenticate`. */
export const asksForNonce = (challenge: unknown): boolean =>
  typeof challenge === 'string' && /\berror="?use_dpop_nonce\b/i.test(challenge);

/** Makes DPoP proofs, and remembers for each origin the nonce that it wants to see in the next one. */
export class DpopProofs {
  readonly #nonces = new LRUCache<string, string>({ max: MAX_ORIGINS });

  constructor(private readonly clock: Clock) {}

  /** `iat` is by this machine's clock: a server that does not trust it asks for a nonce. */
  prove(key: DpopKey, { method, url, accessToken, ...own }: ProvenRequest): string {
    const nonce = own.nonce ?? this.#nonces.get(url.origin);
    return key.prove({
      jti: randomId(),
      htm: method.toUpperCase(),
      htu: url.origin + url.pathname,
      iat: Math.floor(this.clock.machineTime() / 1000),
      ...(accessToken !== undefined && {
        ath: Buffer.from(sha256(accessToken), 'hex').toString('base64url'),
      }),
      ...(nonce !== undefined && { nonce }),
    });
  }

  /** Notes the `DPoP-Nonce` of an answer (§8.2) for whoever comes next; whether it has one. */
  learn({ origin }: URL, nonce: unknown): boolean {
    const read = readNonce(nonce);
    if (read !== null) this.#nonces.set(origin, read);
    return read !== null;
  }
}

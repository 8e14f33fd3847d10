import { decodeJwt } from 'jose';
import { expect, it } from 'vitest';
import { DpopKey } from '../crypto/dpop-key.js';
import { FixedClock } from '../testing/fixed-clock.js';
import { DpopProofs } from './dpop-proofs.js';
import { TokenRequestProof } from './token-request-proof.js';

const url = 'https://provider.example/token';

it('of a second client secret has the nonce of the first one’s refusal, and may learn another', () => {
  const proof = new TokenRequestProof(new DpopProofs(new FixedClock()), DpopKey.generate());
  const nonceOf = (): unknown => decodeJwt(proof.header(url))['nonce'];
  proof.learn(url, 400, new Headers({ 'dpop-nonce': 'one' }));
  expect(proof.repeats('use_dpop_nonce')).toBe(true);
  expect(nonceOf()).toBe('one');
  // The first secret is refused, by an answer without a nonce.
  proof.learn(url, 401, new Headers());
  expect(nonceOf()).toBe('one');
  proof.learn(url, 400, new Headers({ 'dpop-nonce': 'two' }));
  expect(proof.repeats('use_dpop_nonce')).toBe(true);
  expect(nonceOf()).toBe('two');
});

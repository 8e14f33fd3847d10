import { KeyError, type KeyFault } from '../keys/key-wrapper.js';
import type { TransitAnswer } from './vault-client.js';

interface Meaning {
  reason: KeyFault;
  hint: string;
}

const unavailable = (hint: string): Meaning => ({ reason: 'KEK_UNAVAILABLE', hint });

/** Status 400 has many reasons, told apart by Vault's words. */
const REFUSALS: [words: RegExp, meaning: Meaning][] = [
  [/encryption key not found/, unavailable('the transit engine has no such key: the key was not found')],
  [/too old/, unavailable('the version of the key is disallowed: lower its min_decryption_version')],
  [/version for encryption/, unavailable('the key has no such version, or it may not encrypt any more')],
  [/soft-deleted/, unavailable('the key is deleted')],
  [/non-AEAD|not supported for key type/, unavailable('the key must be of type aes256-gcm96')],
  [
    /message authentication failed|invalid ciphertext/,
    { reason: 'KEK_UNWRAP_FAILED', hint: 'it does not open this data key under this context' },
  ],
];

/** What an answer other than 200 means. Vault's own words are not repeated. */
export function vaultKeyError(
  operation: 'encrypt' | 'decrypt',
  answer: TransitAnswer,
  kekId: string,
): KeyError {
  const { reason, hint } = meaningOf(operation, answer);
  return new KeyError(reason, `Vault, key "${kekId}": ${hint}`);
}

function meaningOf(operation: string, { status, body }: TransitAnswer): Meaning {
  const said = words(body);
  if (status === 400) {
    const known = REFUSALS.find(([pattern]) => pattern.test(said))?.[1];
    if (known && (known.reason !== 'KEK_UNWRAP_FAILED' || operation === 'decrypt')) return known;
    return unavailable('Vault refused the request (400)');
  }
  if (status === 403) return unavailable('Vault denied it: check that the token is valid and its policy');
  if (status === 404) return unavailable('not found: is the transit engine mounted there?');
  if (status === 429) return { reason: 'KMS_THROTTLED', hint: 'too many requests' };
  if (status === 503 && /sealed/.test(said)) return unavailable('Vault is sealed');
  if (status === 503 && /standby/.test(said)) return unavailable('this node of Vault is a standby');
  if (status >= 300 && status < 400)
    return unavailable(`Vault redirects (${status}): give the address of the active node`);
  return unavailable(status === 200 ? 'the answer could not be read' : `Vault failed (${status})`);
}

function words(body: unknown): string {
  const errors = (body as { errors?: unknown } | null)?.errors;
  return Array.isArray(errors) ? errors.filter((error) => typeof error === 'string').join('\n') : '';
}

import { KeyError } from '../keys/key-wrapper.js';

/** The return value that a PKCS#11 call has failed with, such as `CKR_DEVICE_ERROR`; null for another error. */
export function ckrOf(error: unknown): string | null {
  return (error instanceof Error ? /\bCKR_[A-Z0-9_]+/.exec(error.message)?.[0] : null) ?? null;
}

/** After these a new session may help: the old one ended, or the token was away. */
const SESSION_LOST = new Set([
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_SESSION_CLOSED',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_CRYPTOKI_NOT_INITIALIZED',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_DEVICE_REMOVED',
  'CKR_KEY_HANDLE_INVALID',
  'CKR_OBJECT_HANDLE_INVALID',
  'CKR_OPERATION_ACTIVE',
]);

export const isSessionLost = (error: unknown): boolean => SESSION_LOST.has(ckrOf(error) ?? '');

/** The PIN is wrong, or must not be used any more: trying it again brings the token nearer to being locked. */
const PIN_REFUSED = new Set([
  'CKR_PIN_INCORRECT',
  'CKR_PIN_INVALID',
  'CKR_PIN_LEN_RANGE',
  'CKR_PIN_EXPIRED',
  'CKR_PIN_LOCKED',
  'CKR_USER_PIN_NOT_INITIALIZED',
]);

export const isPinRefused = (error: unknown): boolean => PIN_REFUSED.has(ckrOf(error) ?? '');

const WRONG_BLOB = new Set([
  'CKR_ENCRYPTED_DATA_INVALID',
  'CKR_ENCRYPTED_DATA_LEN_RANGE',
  'CKR_AEAD_DECRYPT_FAILED',
]);

/** Some modules report a wrong tag by these, and other faults, too. */
const AMBIGUOUS = new Set(['CKR_GENERAL_ERROR', 'CKR_FUNCTION_FAILED', 'CKR_DATA_INVALID']);

/** Whether a decryption that failed so has failed for its input; `unclear` when only the token can tell. */
export function blamesInput(error: unknown): boolean | 'unclear' {
  const ckr = ckrOf(error) ?? '';
  return AMBIGUOUS.has(ckr) ? 'unclear' : WRONG_BLOB.has(ckr);
}

const HINTS: Record<string, string> = {
  CKR_PIN_LOCKED: 'the PIN is locked',
  CKR_PIN_EXPIRED: 'the PIN has expired',
  CKR_USER_PIN_NOT_INITIALIZED: 'the token has no user PIN yet',
  CKR_TOKEN_NOT_PRESENT: 'the token is not present',
  CKR_DEVICE_REMOVED: 'the token was removed',
  CKR_MECHANISM_INVALID: 'the token does not know AES-GCM (CKM_AES_GCM)',
  CKR_KEY_FUNCTION_NOT_PERMITTED: 'the key may not encrypt or decrypt (CKA_ENCRYPT, CKA_DECRYPT)',
};

/** Translates what a PKCS#11 call throws. */
export function pkcs11KeyError(error: unknown): KeyError {
  if (error instanceof KeyError) return error;
  const ckr = ckrOf(error);
  if (ckr === 'CKR_SESSION_COUNT')
    return new KeyError('KMS_THROTTLED', 'the PKCS#11 token has no session left (CKR_SESSION_COUNT)');
  if (ckr === null) return new KeyError('KEK_UNAVAILABLE', 'the PKCS#11 module failed');
  const hint = HINTS[ckr] ?? (isPinRefused(error) ? 'the PIN was refused' : 'it failed');
  return new KeyError('KEK_UNAVAILABLE', `the PKCS#11 token: ${hint} (${ckr})`);
}

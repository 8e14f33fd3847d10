import { describe, expect, it } from 'vitest';
import { KeyError } from '../keys/key-wrapper.js';
import { blamesInput, ckrOf, isPinRefused, isSessionLost, pkcs11KeyError } from './pkcs11-errors.js';

// What SoftHSM cannot be made to say; real tokens do.
const failed = (ckr: string): Error => new Error(`${ckr}:1\n    at PKCS11.C_Decrypt (native)`);

describe('a PKCS#11 return value', () => {
  it('is read from what the module throws', () => {
    expect(ckrOf(failed('CKR_DEVICE_ERROR'))).toBe('CKR_DEVICE_ERROR');
    expect(ckrOf(new Error('cannot open shared object file'))).toBeNull();
    expect(ckrOf('CKR_DEVICE_ERROR')).toBeNull();
  });

  it.each([
    ['CKR_SESSION_COUNT', 'KMS_THROTTLED', /no session left/],
    ['CKR_TOKEN_NOT_PRESENT', 'KEK_UNAVAILABLE', /not present/],
    ['CKR_DEVICE_REMOVED', 'KEK_UNAVAILABLE', /was removed/],
    ['CKR_PIN_LOCKED', 'KEK_UNAVAILABLE', /PIN is locked/],
    ['CKR_PIN_EXPIRED', 'KEK_UNAVAILABLE', /PIN has expired/],
    ['CKR_PIN_LEN_RANGE', 'KEK_UNAVAILABLE', /PIN was refused/],
    ['CKR_MECHANISM_INVALID', 'KEK_UNAVAILABLE', /does not know AES-GCM/],
    ['CKR_DEVICE_ERROR', 'KEK_UNAVAILABLE', /CKR_DEVICE_ERROR/],
  ])('%s is reported as %s', (ckr, reason, words) => {
    const error = pkcs11KeyError(failed(ckr));
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(words);
  });

  it('without a name is reported without what the module said', () => {
    expect(pkcs11KeyError(new Error('/etc/secret')).message).toBe(
      'KEK_UNAVAILABLE: the PKCS#11 module failed',
    );
    const known = new KeyError('KEK_UNAVAILABLE', 'said already');
    expect(pkcs11KeyError(known)).toBe(known);
  });

  it.each<[string, boolean | 'unclear']>([
    ['CKR_ENCRYPTED_DATA_INVALID', true],
    ['CKR_ENCRYPTED_DATA_LEN_RANGE', true],
    ['CKR_AEAD_DECRYPT_FAILED', true],
    ['CKR_GENERAL_ERROR', 'unclear'],
    ['CKR_FUNCTION_FAILED', 'unclear'],
    ['CKR_DEVICE_ERROR', false],
  ])('%s blames the blob: %s', (ckr, expected) => {
    expect(blamesInput(failed(ckr))).toBe(expected);
  });

  it('tells when a new session helps, and when a PIN must not be tried again', () => {
    expect(isSessionLost(failed('CKR_TOKEN_NOT_PRESENT'))).toBe(true);
    expect(isSessionLost(failed('CKR_PIN_INCORRECT'))).toBe(false);
    expect(isPinRefused(failed('CKR_PIN_LOCKED'))).toBe(true);
    expect(isPinRefused(failed('CKR_DEVICE_ERROR'))).toBe(false);
  });
});

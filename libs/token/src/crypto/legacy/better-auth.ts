import { hash } from 'node:crypto';
import { LegacyCipherError, type LegacyCipher } from './legacy-cipher.js';
import { assertSecret, wrongKey } from './legacy-key.js';
import { clearText, decode, storedText } from './stored-form.js';
import { POLY1305_TAG_BYTES, XCHACHA_NONCE_BYTES, xchachaOpen } from './xchacha20.js';

/** `$ba$2$…`: sealed under version 2 of the secret. */
const ENVELOPE = /^\$ba\$(\d{1,9})\$(.*)$/s;

export interface BetterAuthOptions {
  /** `BETTER_AUTH_SECRET`: for values without a version. */
  secret?: string;
  /** Secrets by version, where better-auth is configured with several. */
  secrets?: Readonly<Record<number, string>>;
  /** Take what is neither hex nor versioned as plain text: rows from before `account.encryptOAuthTokens` was set. Default false. */
  acceptPlainText?: boolean;
}

/**
 * Reads the tokens of better-auth's `account` table with `account.encryptOAuthTokens`: hex of nonce, ciphertext and tag of
 * XChaCha20-Poly1305 under SHA-256 of the secret. Format: packages/better-auth/src/crypto/index.ts and
 * src/oauth2/utils.ts of better-auth 1.7.25; versions without `$ba$` write the same without a version.
 */
export function betterAuth(options: BetterAuthOptions): LegacyCipher {
  const keys = keysOf(options);
  return {
    decrypt(stored) {
      const text = storedText(stored);
      const [, version = '', sealed = text] = ENVELOPE.exec(text) ?? [];
      if (options.acceptPlainText && version === '' && !/^(?:[0-9a-f]{2})+$/i.test(text)) return text;
      const bytes = decode(sealed, 'hex');
      if (bytes.length < XCHACHA_NONCE_BYTES + POLY1305_TAG_BYTES)
        throw new LegacyCipherError('MALFORMED', 'is too short for a nonce and a tag');
      const key = keys.get(version);
      if (!key)
        throw new LegacyCipherError(
          'KEY_UNKNOWN',
          version === '' ? 'has no version: give "secret", too' : `names version ${version} of the secret`,
        );
      const opened = xchachaOpen(
        key,
        bytes.subarray(0, XCHACHA_NONCE_BYTES),
        bytes.subarray(XCHACHA_NONCE_BYTES),
      );
      if (!opened) throw new LegacyCipherError('AUTH_FAILED');
      return clearText(opened);
    },
  };
}

/** By version; the one without a version is under the empty text. */
function keysOf({ secret, secrets = {} }: BetterAuthOptions): Map<string, Buffer> {
  const all = [...Object.entries(secrets), ...(secret === undefined ? [] : [['', secret] as const])];
  if (all.length === 0) throw wrongKey('betterAuth', 'secret: must be a non-empty string');
  return new Map(
    all.map(([version, value]) => {
      assertSecret('betterAuth', version === '' ? 'secret' : `secrets.${version}`, value);
      return [version, Buffer.from(hash('sha256', value, 'hex'), 'hex')];
    }),
  );
}

import type { LegacyCipher } from './legacy-cipher.js';
import { keyBytes } from './legacy-key.js';
import { tokenManagerWithIv } from './token-manager-with-iv.js';

export interface NangoOptions {
  /** `NANGO_ENCRYPTION_KEY`: 32 bytes in base64. */
  key: string;
}

/**
 * Reads `{ encrypted, iv, authTag }` in base64 as Nango writes them with AES-256-GCM and a 12-byte iv: in
 * `_nango_connections` these are `credentials.encrypted_credentials`, `credentials_iv` and `credentials_tag`. What opens
 * is the JSON text of the credentials. Format: packages/utils/lib/encryption.ts and
 * packages/shared/lib/utils/encryption.manager.ts of NangoHQ/nango, as of 2024 to 2026.
 */
export function nango({ key }: NangoOptions): LegacyCipher {
  return tokenManagerWithIv({ key: keyBytes('nango', key, ['base64']), encoding: 'base64' });
}

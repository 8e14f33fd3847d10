import { DecryptionError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import { RecordError } from '../crypto/record.js';
import { recordFromText, recordToText } from '../crypto/record-text.js';
import type { EncryptionContext, EncryptionService } from '../encryption/encryption.service.js';

/** Texts in the rows of sessions, sealed under the tenant's key and bound to their row. */
export class SealedText {
  constructor(
    private readonly encryption: EncryptionService,
    private readonly events: TokenEvents,
  ) {}

  /** @throws KeyUnavailableError */
  async seal(plaintext: string, context: EncryptionContext): Promise<string> {
    return recordToText(await this.encryption.encrypt(plaintext, context));
  }

  /** Null where it cannot be opened: it is kept as it is; log and metric have the reason. @throws KeyUnavailableError */
  async open(text: string, context: EncryptionContext): Promise<string | null> {
    try {
      return (await this.encryption.decrypt(recordFromText(text), context)).toString();
    } catch (error) {
      if (error instanceof DecryptionError) return null;
      if (!(error instanceof RecordError)) throw error;
      const { recordId, field } = context;
      this.events.emit({ type: 'decryption_failed', reason: error.reason, recordId, field });
      return null;
    }
  }
}

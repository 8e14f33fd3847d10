import { DecryptionError, KeyUnavailableError, TokenInputError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import { ContextInvalidError, encodeContext } from '../crypto/context.js';
import { type DataKey, openRecord, RecordError, recordKeyId, sealRecord } from '../crypto/record.js';
import { uuidFromBytes } from '../crypto/record-text.js';
import { KeyManager } from '../keys/key-manager.js';
import { KeyRing } from '../keys/key-ring.js';
import type { Purpose } from '../keys/key-states.js';
import { KeyError } from '../keys/key-wrapper.js';

/** What a record is bound to. It opens only under exactly the context that it was sealed under. */
export interface EncryptionContext {
  tenantId: string;
  /** Immutable id of the row, assigned before the insert. */
  recordId: string;
  /** Name of the field within the row. */
  field: string;
}

/** Largest plaintext in bytes. */
export const MAX_PLAINTEXT_BYTES = 32_768;

/**
 * Encrypts under the tenant's data key (AES-256-GCM, record format TM1; see docs/encryption.md). What the application
 * encrypts has data keys of its own: those of the stored tokens are retired when no token is left under them.
 */
export class EncryptionService {
  constructor(
    private readonly manager: KeyManager,
    private readonly ring: KeyRing,
    private readonly events: TokenEvents,
    private readonly purpose: Purpose,
  ) {}

  /**
   * Seals at most 32,768 bytes; a string is taken as UTF-8. The result is 92 bytes longer than the plaintext.
   * @throws TokenInputError for a bad context or a too large plaintext, before any I/O
   * @throws KeyUnavailableError when no usable key is there; nothing was written
   */
  async encrypt(plaintext: Buffer | string, context: EncryptionContext): Promise<Buffer> {
    const { bytes, encoded } = this.prepare(plaintext, context);
    return sealRecord(await this.activeKey(context), encoded, bytes);
  }

  /** @internal Seals fields of one row under one data key, also while another one becomes active. @throws as `encrypt` */
  async encryptRow(
    { tenantId, recordId }: Omit<EncryptionContext, 'field'>,
    fields: readonly { field: string; plaintext: string }[],
  ): Promise<Buffer[]> {
    const prepared = fields.map(({ field, plaintext }) =>
      this.prepare(plaintext, { tenantId, recordId, field }),
    );
    const key = await this.activeKey({ tenantId, recordId, field: fields[0]?.field ?? 'token set' });
    return prepared.map(({ bytes, encoded }) => sealRecord(key, encoded, bytes));
  }

  /** @internal Takes the active key now, for records to be sealed later without asking anybody. @throws KeyUnavailableError */
  async sealer({ tenantId, recordId: askedFor }: Omit<EncryptionContext, 'field'>) {
    const key = await this.activeKey({ tenantId, recordId: askedFor, field: 'token set' });
    return (recordId: string, fields: readonly { field: string; plaintext: string }[]): Buffer[] =>
      fields.map(({ field, plaintext }) => {
        const { bytes, encoded } = this.prepare(plaintext, { tenantId, recordId, field });
        return sealRecord(key, encoded, bytes);
      });
  }

  /**
   * @internal The same plaintexts of one row under the tenant's active key, opened again and compared.
   * @throws as `decrypt` and `encrypt`; DecryptionError `NOT_VERIFIED` when what was sealed does not open to the same
   */
  async resealRow(
    { tenantId, recordId }: Omit<EncryptionContext, 'field'>,
    fields: readonly { field: string; record: Buffer }[],
  ): Promise<Buffer[]> {
    const opened: { encoded: Buffer; plaintext: Buffer }[] = [];
    try {
      for (const { field, record } of fields) {
        const context = { tenantId, recordId, field };
        const encoded = encode(context);
        opened.push({ encoded, plaintext: await this.open(record, encoded, context) });
      }
      const key = await this.activeKey({ tenantId, recordId, field: fields[0]?.field ?? 'token set' });
      return opened.map(({ encoded, plaintext }) => {
        const record = sealRecord(key, encoded, plaintext);
        if (!opensTo(plaintext, key, encoded, record)) throw new DecryptionError('NOT_VERIFIED');
        return record;
      });
    } finally {
      for (const { plaintext } of opened) plaintext.fill(0);
    }
  }

  private async activeKey(context: EncryptionContext): Promise<DataKey> {
    try {
      return await this.manager.active(context.tenantId, this.purpose);
    } catch (error) {
      throw this.translate(error, context, 'encryption_failed');
    }
  }

  private prepare(
    plaintext: Buffer | string,
    context: EncryptionContext,
  ): { bytes: Buffer; encoded: Buffer } {
    const bytes = typeof plaintext === 'string' ? Buffer.from(plaintext, 'utf8') : plaintext;
    if (!Buffer.isBuffer(bytes)) throw new TokenInputError('plaintext', 'must be a Buffer or a string');
    if (bytes.length > MAX_PLAINTEXT_BYTES) {
      throw new TokenInputError(
        'plaintext',
        `must be at most ${MAX_PLAINTEXT_BYTES} bytes, it has ${bytes.length}`,
        'PLAINTEXT_TOO_LARGE',
      );
    }
    return { bytes, encoded: encode(context) };
  }

  /**
   * Opens a record made by `encrypt` with the same context.
   * @throws DecryptionError when it cannot be opened; log and metric tell the reason, the caller does not learn it
   * @throws KeyUnavailableError when its key is not available now
   */
  async decrypt(record: Buffer, context: EncryptionContext): Promise<Buffer> {
    return this.open(record, encode(context), context);
  }

  /** @internal As `decrypt`, also under a retired key: for what is not in the database, where retiring looks for what is left. */
  async decryptEvenRetired(record: Buffer, context: EncryptionContext): Promise<Buffer> {
    return this.open(record, encode(context), context, (id) => this.ring.evenRetired(id));
  }

  private async open(
    record: Buffer,
    encoded: Buffer,
    context: EncryptionContext,
    keyOf = (id: string): Promise<DataKey> => this.ring.byId(id),
  ): Promise<Buffer> {
    try {
      if (!Buffer.isBuffer(record)) throw new RecordError('NOT_ENCRYPTED');
      return openRecord(await keyOf(uuidFromBytes(recordKeyId(record))), encoded, record);
    } catch (error) {
      throw this.translate(error, context, 'decryption_failed');
    }
  }

  /** @internal The database refused the tenant's key as retired: find the current one before sealing again. */
  keyRefused(tenantId: string): void {
    this.manager.forget(tenantId, this.purpose);
  }

  private translate(
    error: unknown,
    { recordId, field }: EncryptionContext,
    type: 'encryption_failed' | 'decryption_failed',
  ): unknown {
    if (!(error instanceof RecordError || error instanceof KeyError)) return error;
    const { reason } = error;
    this.events.emit({ type, reason, recordId, field });
    const unreadable =
      error instanceof RecordError || reason === 'KEY_NOT_FOUND' || reason === 'KEY_DESTROYED';
    return unreadable && type === 'decryption_failed'
      ? new DecryptionError(reason)
      : new KeyUnavailableError(reason);
  }
}

function encode({ tenantId, recordId, field }: EncryptionContext): Buffer {
  try {
    return encodeContext(['token', tenantId, recordId, field]);
  } catch (error) {
    if (error instanceof ContextInvalidError)
      throw new TokenInputError('context', error.message, error.reason);
    throw error;
  }
}

function opensTo(plaintext: Buffer, key: DataKey, encoded: Buffer, record: Buffer): boolean {
  try {
    const again = openRecord(key, encoded, record);
    const same = again.equals(plaintext);
    again.fill(0);
    return same;
  } catch (error) {
    if (error instanceof RecordError) return false;
    throw error;
  }
}

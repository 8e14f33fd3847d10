import { encodeContext } from '../crypto/context.js';
import { type KeyContext, KeyError } from '../keys/key-wrapper.js';

const MAGIC = 0xfb;
const VERSION = 0x01;
const HEADER_START = 4;

/** What a wrapped data key is bound to, as bytes. */
export const boundContext = ({ dataKeyId, tenantId, purpose }: KeyContext): Buffer =>
  encodeContext(['dek', dataKeyId, tenantId, purpose]);

/**
 * Blobs of key services: `FB kind 01 ‖ length(1) ‖ kekId ‖ payload`. The header says who opens the payload; providers
 * that can, authenticate it with the context. The kinds are 11 for PKCS#11, 12 for Vault, 13 for AWS KMS.
 */
export class BlobFormat {
  constructor(
    private readonly kind: number,
    private readonly service: string,
  ) {}

  header(kekId: string): Buffer {
    return Buffer.concat([
      Buffer.from([MAGIC, this.kind, VERSION, kekId.length]),
      Buffer.from(kekId, 'latin1'),
    ]);
  }

  /** @throws KeyError `KEK_UNWRAP_FAILED` for what is no blob of this kind, `KEK_UNAVAILABLE` when its key is not in `kekIds` */
  read(
    blob: Buffer,
    context: KeyContext,
    kekIds: readonly string[],
  ): { kekId: string; header: Buffer; payload: Buffer } {
    const start = HEADER_START + (blob[HEADER_START - 1] ?? 0);
    const kekId = blob.subarray(HEADER_START, start).toString('latin1');
    const header = this.header(kekId);
    if (kekId === '' || blob.length <= start || !header.equals(blob.subarray(0, start)))
      throw this.damaged(context);
    this.assertKnown(kekId, kekIds);
    return { kekId, header, payload: blob.subarray(start) };
  }

  /** @throws KeyError `KEK_UNAVAILABLE` */
  assertKnown(kekId: string, kekIds: readonly string[]): void {
    if (kekIds.includes(kekId)) return;
    // The name may come out of a damaged blob.
    const name = /^[\w.:/-]{1,64}$/.test(kekId) ? `"${kekId}"` : 'that a wrapped data key names';
    throw new KeyError(
      'KEK_UNAVAILABLE',
      `the ${this.service} wrapper was given no key ${name}: add it to its keys`,
      false,
    );
  }

  damaged({ dataKeyId }: KeyContext): KeyError {
    return new KeyError(
      'KEK_UNWRAP_FAILED',
      `wrapped data key ${dataKeyId} is damaged, or was not wrapped by ${this.service}`,
    );
  }
}

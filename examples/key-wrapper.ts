import { type KeyContext, KeyError, KeyWrapper } from '@tokenward/nestjs';

/** The client of a key service, as many offer one. `associatedData` must be authenticated, not just logged. */
export interface KeyService {
  encrypt(keyName: string, plaintext: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array>;
  /** Null when the key is there but does not open the ciphertext. */
  decrypt(keyName: string, ciphertext: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array | null>;
}

/** Data keys wrapped by a key that never leaves its service. */
export class RemoteKeyWrapper extends KeyWrapper {
  constructor(
    private readonly service: KeyService,
    readonly kekId: string,
  ) {
    super();
  }

  override async wrap(dataKey: Buffer, context: KeyContext): Promise<Buffer> {
    return Buffer.from(await this.service.encrypt(this.kekId, dataKey, associated(context)));
  }

  // Whatever else the service throws becomes KEK_UNAVAILABLE, without its message.
  override async unwrap(blob: Buffer, context: KeyContext): Promise<Buffer> {
    const dataKey = await this.service.decrypt(this.kekId, blob, associated(context));
    if (!dataKey) throw new KeyError('KEK_UNWRAP_FAILED', `${this.kekId} does not open ${context.dataKeyId}`);
    return Buffer.from(dataKey);
  }
}

/** JSON, because no two contexts may have the same bytes. */
function associated({ dataKeyId, tenantId, purpose }: KeyContext): Buffer {
  return Buffer.from(JSON.stringify([dataKeyId, tenantId, purpose]));
}

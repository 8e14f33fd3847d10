import { type KeyContext, KeyError, KeyWrapper } from '@tokenward/nestjs';

/** The client of a key service, as many offer one. `associatedData` must be authenticated, not just logged. */
export interface KeyService {
  encrypt(keyName: string, plaintext: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array>;
  /** Null when the key is there but does not open the ciphertext. */
  decrypt(keyName: string, ciphertext: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array | null>;
}

/** Data keys wrapped by keys that never leave their service; a blob is `length(1) ‖ key name ‖ ciphertext`. */
export class RemoteKeyWrapper extends KeyWrapper {
  constructor(
    private readonly service: KeyService,
    private readonly keyNames: readonly [string, ...string[]],
  ) {
    super();
  }

  get kekId(): string {
    return this.keyNames[0];
  }

  override get kekIds(): readonly string[] {
    return this.keyNames;
  }

  override async wrap(dataKey: Buffer, context: KeyContext, kekId: string): Promise<Buffer> {
    this.assertKnown(kekId);
    const ciphertext = await this.service.encrypt(kekId, dataKey, associated(context, kekId));
    return Buffer.concat([Buffer.from([kekId.length]), Buffer.from(kekId, 'latin1'), ciphertext]);
  }

  // Whatever else the service throws becomes KEK_UNAVAILABLE, without its message.
  override async unwrap(blob: Buffer, context: KeyContext): Promise<Buffer> {
    const end = 1 + (blob[0] ?? 0);
    const kekId = blob.toString('latin1', 1, end);
    if (!/^[\w.:/-]{1,64}$/.test(kekId)) throw refused(context);
    this.assertKnown(kekId);
    const dataKey = await this.service.decrypt(kekId, blob.subarray(end), associated(context, kekId));
    if (!dataKey) throw refused(context);
    return Buffer.from(dataKey);
  }

  private assertKnown(kekId: string): void {
    if (!this.kekIds.includes(kekId))
      throw new KeyError('KEK_UNAVAILABLE', `no key "${kekId}" is configured`);
  }
}

const refused = ({ dataKeyId }: KeyContext): KeyError =>
  new KeyError('KEK_UNWRAP_FAILED', `data key ${dataKeyId} does not open`);

/** JSON, because no two contexts may have the same bytes. */
function associated({ dataKeyId, tenantId, purpose }: KeyContext, kekId: string): Buffer {
  return Buffer.from(JSON.stringify([kekId, dataKeyId, tenantId, purpose]));
}

import { encodeContext } from '../crypto/context.js';
import { unwrapKey, wrapKey, wrappingKeyId } from '../crypto/wrapped-key.js';
import { KeyError, KeyWrapper, type KeyContext } from './key-wrapper.js';
import type { Keyring } from './keyring.js';

const encode = (context: KeyContext): Buffer =>
  encodeContext(['dek', context.dataKeyId, context.tenantId, context.purpose]);

/** Key-encryption keys from a keyring in the environment or in a file. */
export class LocalKeyWrapper extends KeyWrapper {
  constructor(private readonly keyring: Keyring) {
    super();
  }

  get kekId(): string {
    return this.keyring.primary;
  }

  override async wrap(dataKey: Buffer, context: KeyContext): Promise<Buffer> {
    return wrapKey(this.keyring.keys.get(this.kekId)!, encode(context), dataKey);
  }

  override async unwrap(blob: Buffer, context: KeyContext): Promise<Buffer> {
    const idBytes = wrappingKeyId(blob);
    if (!idBytes) throw new KeyError('KEK_UNWRAP_FAILED', `wrapped data key ${context.dataKeyId} is damaged`);
    const id = idBytes.toString('latin1').replace(/\0+$/, '');
    const kek = this.keyring.keys.get(id);
    if (!kek) throw new KeyError('KEK_UNAVAILABLE', `the keyring has no key with id "${id}"`);
    const dataKey = unwrapKey(kek, encode(context), blob);
    if (!dataKey)
      throw new KeyError(
        'KEK_UNWRAP_FAILED',
        `the key with id "${id}" in the keyring is not the one that wrapped data key ${context.dataKeyId}`,
      );
    return dataKey;
  }
}

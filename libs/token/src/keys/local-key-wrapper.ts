import { encodeContext } from '../crypto/context.js';
import { unwrapKey, wrapKey, wrappingKeyId } from '../crypto/wrapped-key.js';
import { KeyError, KeyWrapper, type KeyContext } from './key-wrapper.js';
import { type Keyring, type KeyringFile, parseKeyring, readKeyringFile } from './keyring.js';

const encode = (context: KeyContext): Buffer =>
  encodeContext(['dek', context.dataKeyId, context.tenantId, context.purpose]);

// No time will bring it back: somebody has to act.
const missing = (id: string): KeyError =>
  new KeyError('KEK_UNAVAILABLE', `the keyring has no key with id "${id}"`, false);

/** Key-encryption keys from a keyring in the environment or in a file, which is read again when it changes. */
export class LocalKeyWrapper extends KeyWrapper {
  #keyring: Keyring;
  #text: string | null = null;

  constructor(
    keyring: Keyring,
    private readonly source: KeyringFile | null = null,
  ) {
    super();
    this.#keyring = keyring;
  }

  get kekId(): string {
    return this.#keyring.primary;
  }

  override get kekIds(): readonly string[] {
    return [...this.#keyring.keys.keys()];
  }

  override async wrap(dataKey: Buffer, context: KeyContext, kekId: string): Promise<Buffer> {
    const kek = this.#keyring.keys.get(kekId);
    if (!kek) throw missing(kekId);
    return wrapKey(kek, encode(context), dataKey);
  }

  override async unwrap(blob: Buffer, context: KeyContext): Promise<Buffer> {
    const idBytes = wrappingKeyId(blob);
    if (!idBytes) throw new KeyError('KEK_UNWRAP_FAILED', `wrapped data key ${context.dataKeyId} is damaged`);
    const id = idBytes.toString('latin1').replace(/\0+$/, '');
    const kek = this.#keyring.keys.get(id);
    if (!kek) throw missing(id);
    const dataKey = unwrapKey(kek, encode(context), blob);
    if (!dataKey)
      throw new KeyError(
        'KEK_UNWRAP_FAILED',
        `the key with id "${id}" in the keyring is not the one that wrapped data key ${context.dataKeyId}`,
      );
    return dataKey;
  }

  /** A file that cannot be used as it is now changes nothing: what was read before stays in use. */
  override async refresh(): Promise<string | null> {
    if (!this.source) return null;
    const { text, fault } = readKeyringFile(this.source);
    if (fault !== null) return fault;
    if (text === this.#text) return null;
    const { keyring, faults } = parseKeyring(text);
    if (faults.length > 0) return `keyring file ${this.source.file}: ${faults.join('; ')}`;
    this.#text = text;
    this.#keyring = keyring;
    return null;
  }
}

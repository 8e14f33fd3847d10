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
  #revision = 0;
  /** Ids whose bytes have opened something: they are right. */
  readonly #right = new Set<string>();

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

  override get revision(): number {
    return this.#revision;
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
    this.#right.add(id);
    return dataKey;
  }

  /**
   * Takes in what the file has now. One that cannot be used changes nothing, nor does one with other bytes under an id
   * that has opened something; entries that are gone stay in memory until the process ends, since data keys may be wrapped by them.
   */
  override async refresh(): Promise<string | null> {
    if (!this.source) return null;
    const { text, fault } = readKeyringFile(this.source);
    if (fault !== null) return fault;
    if (text === this.#text) return null;
    const { keyring, faults } = parseKeyring(text);
    const known = this.#keyring.keys;
    for (const [id, { key }] of keyring.keys)
      if (this.#right.has(id) && known.get(id)?.key.equals(key) === false)
        faults.push(
          `the key with id "${id}" is another one than before, which is in use: a new key needs a new id`,
        );
    if (faults.length > 0) return `keyring file ${this.source.file}: ${faults.join('; ')}`;
    this.#text = text;
    this.#keyring = {
      keys: new Map([...keyring.keys, ...without(known, keyring.keys)]),
      primary: keyring.primary,
    };
    this.#revision++;
    return null;
  }
}

const without = <T>(all: ReadonlyMap<string, T>, these: ReadonlyMap<string, T>): [string, T][] =>
  [...all].filter(([id]) => !these.has(id));

import pkcs11js, { type AesGCM, type Mechanism } from 'pkcs11js';
import { z } from 'zod';
import { equalInConstantTime, KEY_BYTES } from '../crypto/key-material.js';
import { randomBytes } from '../crypto/random.js';
import { type KeyContext, KeyError, KeyWrapper } from '../keys/key-wrapper.js';
import { BlobFormat, boundContext } from './blob-format.js';
import { blamesInput, pkcs11KeyError } from './pkcs11-errors.js';
import { Pkcs11Session } from './pkcs11-session.js';
import { keyNamesSchema, parseWrapperOptions } from './wrapper-options.js';

export interface Pkcs11KeyWrapperOptions {
  /** Path of the PKCS#11 module that the maker of the token ships. */
  library: string;
  /** Label of the token; or `slot`. */
  tokenLabel?: string;
  /** Id of the token's slot; or `tokenLabel`. */
  slot?: number;
  /** The user's PIN, or a function that is asked for it at each log-in. */
  pin: string | (() => string);
  /** Labels (CKA_LABEL) of AES-256 keys that cannot be extracted, the one that wraps first. */
  keys: string[];
}

const FORMAT = new BlobFormat(0x11, 'PKCS#11');
const IV_BYTES = 12;
const TAG_BYTES = 16;
const PAYLOAD_BYTES = IV_BYTES + KEY_BYTES + TAG_BYTES;
/** Larger than what any call returns: a token may ask for room that it does not use. */
const OUTPUT_BYTES = 256;

const schema = z
  .strictObject({
    library: z.string('must be the path of a PKCS#11 module').min(1, 'must be the path of a PKCS#11 module'),
    tokenLabel: z.string().min(1, 'must be the label of a token').optional(),
    slot: z.int('must be the id of a slot').min(0, 'must be the id of a slot').optional(),
    pin: z.union(
      [
        z.string().min(1, 'must be a PIN or a function that returns one'),
        z.custom<() => string>((value) => typeof value === 'function'),
      ],
      'must be a PIN or a function that returns one',
    ),
    keys: keyNamesSchema((label) =>
      /^[\w.:/-]{1,64}$/.test(label) ? null : 'must be a label of 1 to 64 of A-Z a-z 0-9 . _ : / -',
    ),
  })
  .refine(({ tokenLabel, slot }) => (tokenLabel === undefined) !== (slot === undefined), {
    path: ['tokenLabel'],
    error: 'needs either "tokenLabel" or "slot"',
  });

/** AES-GCM as in PKCS #11 2.40 section 2.11.2, with a 96-bit iv and a full 128-bit tag. */
function aesGcm(iv: Buffer, aad: Buffer): Mechanism {
  const parameter: AesGCM = {
    type: pkcs11js.CK_PARAMS_AES_GCM_v240,
    iv,
    ivBits: IV_BYTES * 8,
    aad,
    tagBits: TAG_BYTES * 8,
  };
  return { mechanism: pkcs11js.CKM_AES_GCM, parameter };
}

/**
 * Data keys wrapped by AES-GCM keys of a PKCS#11 token. A blob's payload is `iv(12) ‖ ciphertext(32) ‖ tag(16)`, its
 * header and context are authenticated. Calls are synchronous: the process waits for the token.
 */
export class Pkcs11KeyWrapper extends KeyWrapper {
  readonly #session: Pkcs11Session;
  readonly #keys: readonly string[];

  /** Loads and opens nothing yet. @throws TokenConfigurationError */
  constructor(options: Pkcs11KeyWrapperOptions) {
    super();
    const { keys, ...token } = parseWrapperOptions('Pkcs11KeyWrapper', schema, options);
    this.#session = new Pkcs11Session(token);
    this.#keys = keys;
  }

  get kekId(): string {
    return this.#keys[0]!;
  }

  override get kekIds(): readonly string[] {
    return this.#keys;
  }

  override async wrap(dataKey: Buffer, context: KeyContext, kekId: string): Promise<Buffer> {
    FORMAT.assertKnown(kekId, this.#keys);
    const header = FORMAT.header(kekId);
    const associatedData = Buffer.concat([header, boundContext(context)]);
    try {
      return Buffer.concat([header, this.seal(kekId, associatedData, dataKey)]);
    } catch (error) {
      throw pkcs11KeyError(error);
    }
  }

  override async unwrap(blob: Buffer, context: KeyContext): Promise<Buffer> {
    const { kekId, header, payload } = FORMAT.read(blob, context, this.#keys);
    if (payload.length !== PAYLOAD_BYTES) throw FORMAT.damaged(context);
    const associatedData = Buffer.concat([header, boundContext(context)]);
    try {
      return this.unseal(kekId, associatedData, payload);
    } catch (error) {
      const blame = blamesInput(error);
      if (blame === true || (blame === 'unclear' && this.works(kekId)))
        throw new KeyError(
          'KEK_UNWRAP_FAILED',
          `PKCS#11 key "${kekId}" does not open data key ${context.dataKeyId} under this context`,
        );
      throw pkcs11KeyError(error);
    }
  }

  /** Logs out. The wrapper cannot be used any more. */
  override async close(): Promise<void> {
    this.#session.close();
  }

  private seal(label: string, associatedData: Buffer, plaintext: Buffer): Buffer {
    const iv = randomBytes(IV_BYTES);
    return this.#session.use(label, ({ module, session, key }) => {
      module.C_EncryptInit(session, aesGcm(iv, associatedData), key);
      return Buffer.concat([iv, module.C_Encrypt(session, plaintext, Buffer.alloc(OUTPUT_BYTES))]);
    });
  }

  private unseal(label: string, associatedData: Buffer, payload: Buffer): Buffer {
    return this.#session.use(label, ({ module, session, key }) => {
      const output = Buffer.alloc(OUTPUT_BYTES);
      module.C_DecryptInit(session, aesGcm(payload.subarray(0, IV_BYTES), associatedData), key);
      const plaintext = Buffer.from(module.C_Decrypt(session, payload.subarray(IV_BYTES), output));
      output.fill(0);
      return plaintext;
    });
  }

  /** Asked after an error that says nothing: whether the key opens what it has just wrapped. */
  private works(label: string): boolean {
    const probe = randomBytes(KEY_BYTES);
    const none = Buffer.alloc(0);
    try {
      return equalInConstantTime(this.unseal(label, none, this.seal(label, none, probe)), probe);
    } catch {
      return false;
    }
  }
}

import {
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  ReEncryptCommand,
} from '@aws-sdk/client-kms';
import { z } from 'zod';
import { KEY_BYTES } from '../crypto/key-material.js';
import { type KeyContext, KeyError, KeyWrapper } from '../keys/key-wrapper.js';
import { awsKeyError } from './aws-errors.js';
import { BlobFormat, boundContext } from './blob-format.js';
import { withinDeadline } from './deadline.js';
import { keyNamesSchema, parseWrapperOptions, timeoutSecondsSchema } from './wrapper-options.js';

export interface AwsKeyWrapperOptions {
  /** Its credentials need `kms:GenerateDataKey`, `kms:Encrypt`, `kms:Decrypt`, `kms:ReEncryptFrom` and `kms:ReEncryptTo` on the keys. */
  client: KMSClient;
  /** Ids or ARNs of symmetric KMS keys, the one that wraps first. No aliases: an alias can be pointed at another key. */
  keyIds: string[];
  /** The bound of one operation with its retries. Default 5. */
  timeoutSeconds?: number;
}

const KEY_ID = /^(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/)?(?<id>[A-Za-z0-9-]{1,64})$/;
const FORMAT = new BlobFormat(0x13, 'AWS KMS');
/** The most that KMS takes back. */
const MAX_CIPHERTEXT_BYTES = 6144;

/** An ARN has more than the 64 characters that are stored; its last part names the key within account and region. */
const shortId = (keyId: string): string => KEY_ID.exec(keyId)?.groups?.['id'] ?? keyId;

function keyIdFault(keyId: string): string | null {
  if (/^(?:arn:[^/]*:)?alias\//.test(keyId))
    return 'is an alias, which can be pointed at another key: write the id or the ARN of the key';
  return KEY_ID.test(keyId) ? null : 'is neither the id nor the ARN of a KMS key';
}

const schema = z.strictObject({
  client: z.custom<KMSClient>(
    (value) => typeof (value as KMSClient | null)?.send === 'function',
    'must be a KMSClient',
  ),
  keyIds: keyNamesSchema(keyIdFault, shortId),
  timeoutSeconds: timeoutSecondsSchema,
});

/** Data keys wrapped by AWS KMS. The context of a data key is its encryption context, which CloudTrail shows. */
export class AwsKeyWrapper extends KeyWrapper {
  readonly #client: KMSClient;
  readonly #keys: ReadonlyMap<string, string>;
  readonly #timeoutSeconds: number;

  /** @throws TokenConfigurationError */
  constructor(options: AwsKeyWrapperOptions) {
    super();
    const { client, keyIds, timeoutSeconds } = parseWrapperOptions('AwsKeyWrapper', schema, options);
    this.#client = client;
    this.#keys = new Map(keyIds.map((keyId) => [shortId(keyId), keyId]));
    this.#timeoutSeconds = timeoutSeconds;
  }

  get kekId(): string {
    return this.kekIds[0]!;
  }

  override get kekIds(): readonly string[] {
    return [...this.#keys.keys()];
  }

  override async generate(context: KeyContext, kekId: string): Promise<{ dataKey: Buffer; blob: Buffer }> {
    const command = new GenerateDataKeyCommand({
      KeyId: this.keyIdOf(kekId),
      NumberOfBytes: KEY_BYTES,
      EncryptionContext: encryptionContext(context),
    });
    const { Plaintext, CiphertextBlob } = await this.ask(kekId, (options) =>
      this.#client.send(command, options),
    );
    return { dataKey: dataKeyOf(Plaintext), blob: blobOf(kekId, CiphertextBlob) };
  }

  override async wrap(dataKey: Buffer, context: KeyContext, kekId: string): Promise<Buffer> {
    const command = new EncryptCommand({
      KeyId: this.keyIdOf(kekId),
      Plaintext: dataKey,
      EncryptionContext: encryptionContext(context),
    });
    const { CiphertextBlob } = await this.ask(kekId, (options) => this.#client.send(command, options));
    return blobOf(kekId, CiphertextBlob);
  }

  override async unwrap(blob: Buffer, context: KeyContext): Promise<Buffer> {
    const { kekId, ciphertext } = this.read(blob, context);
    const command = new DecryptCommand({
      KeyId: this.keyIdOf(kekId),
      CiphertextBlob: ciphertext,
      EncryptionContext: encryptionContext(context),
    });
    const { Plaintext } = await this.ask(kekId, (options) => this.#client.send(command, options));
    return dataKeyOf(Plaintext);
  }

  /** Within KMS: the data key does not come out. */
  override async rewrap(blob: Buffer, context: KeyContext, kekId: string): Promise<Buffer> {
    const source = this.read(blob, context);
    const command = new ReEncryptCommand({
      CiphertextBlob: source.ciphertext,
      SourceKeyId: this.keyIdOf(source.kekId),
      SourceEncryptionContext: encryptionContext(context),
      DestinationKeyId: this.keyIdOf(kekId),
      DestinationEncryptionContext: encryptionContext(context),
    });
    const { CiphertextBlob } = await this.ask(`${source.kekId}" or "${kekId}`, (options) =>
      this.#client.send(command, options),
    );
    return blobOf(kekId, CiphertextBlob);
  }

  private keyIdOf(kekId: string): string {
    FORMAT.assertKnown(kekId, this.kekIds);
    return this.#keys.get(kekId)!;
  }

  private read(blob: Buffer, context: KeyContext): { kekId: string; ciphertext: Buffer } {
    const { kekId, payload } = FORMAT.read(blob, context, this.kekIds);
    if (payload.length > MAX_CIPHERTEXT_BYTES) throw FORMAT.damaged(context);
    return { kekId, ciphertext: payload };
  }

  private async ask<T>(
    kekId: string,
    send: (options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    try {
      return await withinDeadline('AWS KMS', this.#timeoutSeconds, (abortSignal) => send({ abortSignal }));
    } catch (error) {
      throw awsKeyError(error, kekId);
    }
  }
}

function encryptionContext(context: KeyContext): Record<string, string> {
  // Refuses what JSON would change on its way.
  boundContext(context);
  const { dataKeyId, tenantId, purpose } = context;
  return { dataKeyId, tenantId, purpose };
}

function blobOf(kekId: string, ciphertext: Uint8Array | undefined): Buffer {
  if (!ciphertext?.length) throw unreadable();
  return Buffer.concat([FORMAT.header(kekId), ciphertext]);
}

/** The same memory, so that whoever erases the data key erases the only copy. */
function dataKeyOf(plaintext: Uint8Array | undefined): Buffer {
  if (!plaintext) throw unreadable();
  return Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength);
}

const unreadable = (): KeyError =>
  new KeyError('KEK_UNAVAILABLE', 'AWS KMS gave an answer without the expected fields');

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { KMSClient } from '@aws-sdk/client-kms';
import { open, seal } from './gcm.js';
import { KeyServiceDouble, type ServiceAnswer, type ServiceRequest } from './key-service.js';

// AWS KMS as https://docs.aws.amazon.com/kms/latest/APIReference describes it: JSON 1.1 over POST, the operation in
// X-Amz-Target, errors as status 400 or 500 with `__type`.
const REGION = 'eu-central-1';
const ARN_PREFIX = `arn:aws:kms:${REGION}:111122223333:key/`;
const SIGNATURE = new RegExp(
  `^AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/\\d{8}/${REGION}/kms/aws4_request, SignedHeaders=[a-z0-9;-]*x-amz-target[a-z0-9;-]*, Signature=[0-9a-f]{64}$`,
);
/** Ahead of each ciphertext: version bytes and a digest that names the key, as the real ones have it. */
const PREFIX = Buffer.from('0102020078', 'hex');
const PREFIX_BYTES = PREFIX.length + 32;

export type KmsKeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'NotFound' | 'AccessDenied';

interface KmsKey {
  id: string;
  material: Buffer;
  state: KmsKeyState;
}

interface Input {
  KeyId?: string;
  Plaintext?: string;
  NumberOfBytes?: number;
  CiphertextBlob?: string;
  EncryptionContext?: Record<string, string>;
  SourceKeyId?: string;
  SourceEncryptionContext?: Record<string, string>;
  DestinationKeyId?: string;
  DestinationEncryptionContext?: Record<string, string>;
}

class KmsException extends Error {
  constructor(
    readonly type: string,
    message?: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

/** An AWS KMS for one test. */
export class AwsKms {
  readonly secretAccessKey = randomBytes(20).toString('hex');
  readonly service = new KeyServiceDouble('application/x-amz-json-1.1', (request) => this.answer(request));
  private readonly keys = new Map<string, KmsKey>();

  createKey(): { id: string; arn: string } {
    const id = randomUUID();
    this.keys.set(id, { id, material: randomBytes(32), state: 'Enabled' });
    return { id, arn: ARN_PREFIX + id };
  }

  setState(id: string, state: KmsKeyState): void {
    this.keys.get(id)!.state = state;
  }

  /** The real client. One attempt, so that a fault reaches the wrapper; the retries are the client's own. */
  client(maxAttempts = 1): KMSClient {
    return new KMSClient({
      region: REGION,
      endpoint: this.service.origin,
      maxAttempts,
      credentials: { accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: this.secretAccessKey },
    });
  }

  /** The operations that were asked for, without their prefix. */
  get operations(): string[] {
    return this.service.seen.map(({ headers }) =>
      String(headers['x-amz-target']).replace('TrentService.', ''),
    );
  }

  private answer(request: ServiceRequest): ServiceAnswer {
    try {
      assertSigned(request);
      const operation = String(request.headers['x-amz-target']);
      return { status: 200, body: this.run(operation, JSON.parse(request.body) as Input) };
    } catch (error) {
      if (!(error instanceof KmsException)) throw error;
      const { type, status, message } = error;
      return { status, body: { __type: type, ...(message && { message }) } };
    }
  }

  private run(operation: string, input: Input): Record<string, unknown> {
    if (operation === 'TrentService.Encrypt') {
      const key = this.usable(input.KeyId);
      const plaintext = bytes(input.Plaintext, 'plaintext', 4096);
      return { KeyId: ARN_PREFIX + key.id, ...ciphertext(key, input.EncryptionContext, plaintext) };
    }
    if (operation === 'TrentService.GenerateDataKey') {
      const key = this.usable(input.KeyId);
      const plaintext = randomBytes(input.NumberOfBytes ?? 32);
      return {
        KeyId: ARN_PREFIX + key.id,
        Plaintext: plaintext.toString('base64'),
        ...ciphertext(key, input.EncryptionContext, plaintext),
      };
    }
    if (operation === 'TrentService.Decrypt') {
      const key = this.usable(input.KeyId);
      const plaintext = opened(key, input.EncryptionContext, input.CiphertextBlob);
      return { KeyId: ARN_PREFIX + key.id, Plaintext: plaintext.toString('base64') };
    }
    if (operation === 'TrentService.ReEncrypt') {
      const source = this.usable(input.SourceKeyId);
      const destination = this.usable(input.DestinationKeyId);
      const plaintext = opened(source, input.SourceEncryptionContext, input.CiphertextBlob);
      return {
        SourceKeyId: ARN_PREFIX + source.id,
        KeyId: ARN_PREFIX + destination.id,
        ...ciphertext(destination, input.DestinationEncryptionContext, plaintext),
      };
    }
    throw new KmsException('UnknownOperationException');
  }

  private usable(keyId = ''): KmsKey {
    const id = keyId.replace(ARN_PREFIX, '');
    const key = this.keys.get(id);
    const arn = ARN_PREFIX + id;
    if (!key || key.state === 'NotFound')
      throw new KmsException('NotFoundException', `Key '${arn}' does not exist`);
    if (key.state === 'AccessDenied')
      throw new KmsException(
        'AccessDeniedException',
        `User: arn:aws:iam::111122223333:user/tokenward is not authorized to perform this operation on resource: ${arn}`,
      );
    if (key.state === 'Disabled') throw new KmsException('DisabledException', `${arn} is disabled.`);
    if (key.state === 'PendingDeletion')
      throw new KmsException('KMSInvalidStateException', `${arn} is pending deletion.`);
    return key;
  }
}

function assertSigned({ method, headers }: ServiceRequest): void {
  if (headers.authorization === undefined)
    throw new KmsException('MissingAuthenticationTokenException', 'Missing Authentication Token');
  if (method !== 'POST' || !SIGNATURE.test(headers.authorization) || !headers['x-amz-date'])
    throw new KmsException('IncompleteSignatureException', 'The request signature is incomplete');
  if (headers['content-type'] !== 'application/x-amz-json-1.1')
    throw new KmsException('SerializationException');
}

function bytes(base64: string | undefined, field: string, max: number): Buffer {
  const value = Buffer.from(base64 ?? '', 'base64');
  if (value.length < 1 || value.length > max)
    throw new KmsException(
      'ValidationException',
      `1 validation error detected: Value at '${field}' failed to satisfy constraint: Member must have length less than or equal to ${max}`,
    );
  return value;
}

const digest = (key: KmsKey): Buffer => createHash('sha256').update(key.id).digest();

/** The order of the pairs does not count, their case does. */
const associatedData = (context: Record<string, string> = {}): Buffer =>
  Buffer.from(JSON.stringify(Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1))));

function ciphertext(
  key: KmsKey,
  context: Record<string, string> | undefined,
  plaintext: Buffer,
): { CiphertextBlob: string; EncryptionAlgorithm: string } {
  const header = Buffer.concat([PREFIX, digest(key)]);
  const sealed = seal(key.material, Buffer.concat([header, associatedData(context)]), plaintext);
  return {
    CiphertextBlob: Buffer.concat([header, sealed]).toString('base64'),
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
  };
}

function opened(
  key: KmsKey,
  context: Record<string, string> | undefined,
  base64: string | undefined,
): Buffer {
  const blob = bytes(base64, 'ciphertextBlob', 6144);
  const header = blob.subarray(0, PREFIX_BYTES);
  if (!header.subarray(0, PREFIX.length).equals(PREFIX)) throw new KmsException('InvalidCiphertextException');
  if (!header.subarray(PREFIX.length).equals(digest(key)))
    throw new KmsException(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    );
  const plaintext = open(
    key.material,
    Buffer.concat([header, associatedData(context)]),
    blob.subarray(PREFIX_BYTES),
  );
  if (!plaintext) throw new KmsException('InvalidCiphertextException');
  return plaintext;
}

export async function startAwsKms(): Promise<AwsKms> {
  const kms = new AwsKms();
  await kms.service.start();
  return kms;
}

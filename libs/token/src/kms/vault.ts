import { z } from 'zod';
import { type KeyContext, KeyError, KeyWrapper } from '../keys/key-wrapper.js';
import { BlobFormat, boundContext } from './blob-format.js';
import { type TransitAnswer, TransitClient, type VaultToken } from './vault-client.js';
import { vaultKeyError } from './vault-errors.js';
import { keyNamesSchema, parseWrapperOptions, timeoutSecondsSchema } from './wrapper-options.js';

export interface VaultKeyWrapperOptions {
  /** For example `https://vault.example.com:8200`. */
  address: string;
  /** A token, or a function that is asked for it before each request, so that a renewed one is used. */
  token: VaultToken;
  /** Names of transit keys, the one that wraps first; `name:2` wraps with version 2 of the key, `name` with its latest. */
  keys: string[];
  /** Where the transit engine is mounted. Default `transit`. */
  mount?: string;
  namespace?: string;
  /** The bound of one request. Default 5. */
  timeoutSeconds?: number;
  /** Allows an `http:` address, for local development. Default false. */
  allowInsecureRequests?: boolean;
}

const FORMAT = new BlobFormat(0x12, 'Vault');
/** `vault:v<version>:<base64>`, stored as version (4) and bytes: Vault takes v0 for v1, and a blob shall have one form. */
const CIPHERTEXT = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/]+={0,2})$/;
const KEY = /^(?<name>\w(?:[\w.-]*\w)?)(?::(?<version>[1-9]\d{0,8}))?$/;

const schema = z
  .strictObject({
    address: z.url({ protocol: /^https?$/, error: 'must be an absolute URL' }),
    token: z.union(
      [
        z.string().min(1, 'must be a token or a function that returns one'),
        z.custom<() => string>((value) => typeof value === 'function'),
      ],
      'must be a token or a function that returns one',
    ),
    keys: keyNamesSchema((key) =>
      key.length <= 64 && KEY.test(key) ? null : 'must be the name of a transit key, or "name:version"',
    ),
    mount: z
      .string()
      .regex(/^[\w-]+(?:\/[\w-]+)*$/, 'must be a path such as "transit"')
      .default('transit'),
    namespace: z
      .string()
      .regex(/^[\w./-]+$/, 'must be the path of a namespace')
      .optional(),
    timeoutSeconds: timeoutSecondsSchema,
    allowInsecureRequests: z.boolean().default(false),
  })
  .superRefine(({ address, allowInsecureRequests }, context) => {
    const fault = (message: string): void => context.addIssue({ code: 'custom', path: ['address'], message });
    if (!URL.canParse(address)) return;
    const { protocol, username, password, search, hash } = new URL(address);
    if (protocol !== 'https:' && !allowInsecureRequests)
      fault('must begin with https: (for local development set allowInsecureRequests: true)');
    if (username || password || search || hash) fault('must be without credentials, query and fragment');
  });

const parseKey = (kekId: string): { name: string; version: number | undefined } => {
  const { name, version } = KEY.exec(kekId)!.groups!;
  return { name: name!, version: version === undefined ? undefined : Number(version) };
};

/** Data keys wrapped by the transit engine of Vault (1.13 or later) or OpenBao. */
export class VaultKeyWrapper extends KeyWrapper {
  readonly #client: TransitClient;
  readonly #keys: readonly string[];
  /** Keys that have shown that they authenticate the context. */
  readonly #binding = new Set<string>();

  /** @throws TokenConfigurationError */
  constructor(options: VaultKeyWrapperOptions) {
    super();
    const { keys, ...connection } = parseWrapperOptions('VaultKeyWrapper', schema, options);
    this.#client = new TransitClient(connection);
    this.#keys = keys;
  }

  get kekId(): string {
    return this.#keys[0]!;
  }

  override get kekIds(): readonly string[] {
    return this.#keys;
  }

  // rewrap() is inherited: Vault's own cannot authenticate associated data.
  override async wrap(dataKey: Buffer, context: KeyContext, kekId: string): Promise<Buffer> {
    FORMAT.assertKnown(kekId, this.#keys);
    const { name, version } = parseKey(kekId);
    const header = FORMAT.header(kekId);
    const { ciphertext } = await this.ask('encrypt', kekId, name, {
      plaintext: dataKey.toString('base64'),
      associated_data: associatedData(header, context),
      ...(version === undefined ? {} : { key_version: version }),
    });
    const [, usedVersion, encoded] = CIPHERTEXT.exec(String(ciphertext)) ?? [];
    if (!encoded) throw unreadable(kekId);
    if (!this.#binding.has(kekId)) await this.assertBound(kekId, name, String(ciphertext));
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(Number(usedVersion));
    return Buffer.concat([header, prefix, Buffer.from(encoded, 'base64')]);
  }

  override async unwrap(blob: Buffer, context: KeyContext): Promise<Buffer> {
    const { kekId, header, payload } = FORMAT.read(blob, context, this.#keys);
    if (payload.length <= 4) throw FORMAT.damaged(context);
    const ciphertext = `vault:v${payload.readUInt32BE()}:${payload.subarray(4).toString('base64')}`;
    if (!CIPHERTEXT.test(ciphertext)) throw FORMAT.damaged(context);
    const { plaintext } = await this.ask('decrypt', kekId, parseKey(kekId).name, {
      ciphertext,
      associated_data: associatedData(header, context),
    });
    return dataKeyOf(kekId, plaintext);
  }

  /** Vault before 1.13 ignores `associated_data` without a word: what it wraps must not open without. */
  private async assertBound(kekId: string, name: string, ciphertext: string): Promise<void> {
    const answer = await this.#client.post('decrypt', name, { ciphertext });
    if (answer.status === 200)
      throw new KeyError(
        'KEK_UNAVAILABLE',
        `Vault, key "${kekId}": it does not authenticate associated data; Vault 1.13 or later is needed`,
      );
    const error = vaultKeyError('decrypt', answer, kekId);
    if (error.reason !== 'KEK_UNWRAP_FAILED') throw error;
    this.#binding.add(kekId);
  }

  private async ask(
    operation: 'encrypt' | 'decrypt',
    kekId: string,
    name: string,
    body: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const answer = await this.#client.post(operation, name, body);
    if (answer.status !== 200) throw vaultKeyError(operation, answer, kekId);
    return fieldsOf(answer);
  }
}

const associatedData = (header: Buffer, context: KeyContext): string =>
  Buffer.concat([header, boundContext(context)]).toString('base64');

const unreadable = (kekId: string): KeyError =>
  new KeyError('KEK_UNAVAILABLE', `Vault, key "${kekId}": the answer could not be read`);

function fieldsOf({ body }: TransitAnswer): Record<string, unknown> {
  const data = (body as { data?: unknown } | null)?.data;
  return typeof data === 'object' && data !== null ? { ...data } : {};
}

function dataKeyOf(kekId: string, plaintext: unknown): Buffer {
  if (typeof plaintext !== 'string') throw unreadable(kekId);
  return Buffer.from(plaintext, 'base64');
}

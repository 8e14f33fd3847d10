import { randomBytes } from 'node:crypto';
import { open, seal } from './gcm.js';
import { KeyServiceDouble, type ServiceAnswer, type ServiceRequest } from './key-service.js';

// The transit engine as https://openbao.org/api-docs/secret/transit/ describes it, with the answers that its source
// gives: errors are `{"errors": […]}`, and the words of status 400 are all there is to tell its reasons apart.
interface TransitKey {
  type: 'aes256-gcm96' | 'rsa-4096';
  /** By version, counted from 1. */
  versions: Buffer[];
  minDecryptionVersion: number;
  minEncryptionVersion: number;
}

interface Input {
  plaintext?: string;
  ciphertext?: string;
  associated_data?: string;
  key_version?: number;
}

class VaultRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const invalid = (message: string): VaultRefusal => new VaultRefusal(400, message);

/** A Vault with one token, which may use all keys but not create any. */
export class Vault {
  token = `hvs.${randomBytes(24).toString('base64url')}`;
  namespace: string | undefined;
  mount = 'transit';
  sealed = false;
  /** As Vault was before version 1.13. */
  ignoresAssociatedData = false;
  readonly service = new KeyServiceDouble('application/json', (request) => this.answer(request));
  private readonly keys = new Map<string, TransitKey>();

  createKey(name: string, type: TransitKey['type'] = 'aes256-gcm96'): void {
    this.keys.set(name, {
      type,
      versions: [randomBytes(32)],
      minDecryptionVersion: 1,
      minEncryptionVersion: 0,
    });
  }

  rotateKey(name: string): void {
    this.key(name).versions.push(randomBytes(32));
  }

  deleteKey(name: string): void {
    this.keys.delete(name);
  }

  configureKey(
    name: string,
    limits: Partial<Pick<TransitKey, 'minDecryptionVersion' | 'minEncryptionVersion'>>,
  ): void {
    Object.assign(this.key(name), limits);
  }

  private answer(request: ServiceRequest): ServiceAnswer {
    try {
      return {
        status: 200,
        body: { request_id: 'r', lease_id: '', data: this.run(request), warnings: null },
      };
    } catch (error) {
      if (!(error instanceof VaultRefusal)) throw error;
      return { status: error.status, body: { errors: [error.message] } };
    }
  }

  private run({ method, path, headers, body }: ServiceRequest): Record<string, unknown> {
    if (this.sealed) throw new VaultRefusal(503, 'Vault is sealed');
    if (headers['x-vault-token'] !== this.token || headers['x-vault-namespace'] !== this.namespace)
      throw new VaultRefusal(403, 'permission denied');
    const [, mount, operation, name = ''] = /^\/v1\/(.+)\/(encrypt|decrypt)\/([\w.-]+)$/.exec(path) ?? [];
    if (mount !== this.mount || (method !== 'POST' && method !== 'PUT'))
      throw new VaultRefusal(404, `no handler for route "${path.slice(4)}". route entry not found.`);
    const input = JSON.parse(body) as Input;
    // To encrypt under a key that does not exist is to create it, which takes another capability.
    if (operation === 'encrypt' && !this.keys.has(name)) throw new VaultRefusal(403, 'permission denied');
    const key = this.key(name);
    if (key.type !== 'aes256-gcm96' && input.associated_data)
      throw invalid(`'[0].associated_data' provided for non-AEAD cipher suite ${key.type}`);
    const associatedData = Buffer.from(
      this.ignoresAssociatedData ? '' : (input.associated_data ?? ''),
      'base64',
    );
    return operation === 'encrypt'
      ? encrypt(key, input, associatedData)
      : decrypt(key, input, associatedData);
  }

  private key(name: string): TransitKey {
    const key = this.keys.get(name);
    if (!key) throw invalid('encryption key not found');
    return key;
  }
}

function encrypt(
  key: TransitKey,
  { plaintext, key_version: wanted = 0 }: Input,
  associatedData: Buffer,
): Record<string, unknown> {
  if (plaintext === undefined) throw invalid('missing plaintext to encrypt');
  const version = wanted === 0 ? key.versions.length : wanted;
  if (version > key.versions.length)
    throw invalid('requested version for encryption is higher than the latest key version');
  if (version < key.minEncryptionVersion)
    throw invalid('requested version for encryption is less than the minimum encryption key version');
  const sealed = seal(key.versions[version - 1]!, associatedData, Buffer.from(plaintext, 'base64'));
  return { ciphertext: `vault:v${version}:${sealed.toString('base64')}`, key_version: version };
}

function decrypt(key: TransitKey, { ciphertext }: Input, associatedData: Buffer): Record<string, unknown> {
  if (!ciphertext) throw invalid('missing ciphertext to decrypt');
  if (!ciphertext.startsWith('vault:v')) throw invalid('invalid ciphertext: no prefix');
  const [number = '', encoded] = ciphertext.slice('vault:v'.length).split(/:(.*)/s);
  if (encoded === undefined) throw invalid('invalid ciphertext: wrong number of fields');
  if (!/^[+-]?\d+$/.test(number)) throw invalid('invalid ciphertext: version number could not be decoded');
  // Version 0 means version 1, from a time when versions were counted from 0.
  const version = Number(number) || 1;
  if (version > key.versions.length) throw invalid('invalid ciphertext: version is too new');
  if (version < key.minDecryptionVersion)
    throw invalid('ciphertext or signature version is disallowed by policy (too old)');
  const sealed = Buffer.from(encoded, 'base64');
  if (sealed.length < 12) throw invalid('invalid ciphertext length');
  const plaintext = open(key.versions[version - 1]!, associatedData, sealed);
  if (!plaintext) throw invalid('cipher: message authentication failed');
  return { plaintext: plaintext.toString('base64') };
}

export async function startVault(): Promise<Vault> {
  const vault = new Vault();
  await vault.service.start();
  return vault;
}

import { KEY_BYTES } from '../crypto/key-material.js';
import { randomBytes } from '../crypto/random.js';

/** What a wrapped data key is bound to. */
export interface KeyContext {
  dataKeyId: string;
  tenantId: string;
  purpose: string;
}

export type KeyFault = (typeof KEY_FAULTS)[number];
export const KEY_FAULTS = [
  'KEY_NOT_FOUND',
  'KEY_RETIRED',
  'KEY_DESTROYED',
  'KEK_UNAVAILABLE',
  'KMS_TIMEOUT',
  'KMS_THROTTLED',
  'KEK_UNWRAP_FAILED',
  'KEY_CHECK_FAILED',
] as const;

const TRANSIENT = new Set<KeyFault>(['KEK_UNAVAILABLE', 'KMS_TIMEOUT', 'KMS_THROTTLED']);

/** Internal: told apart in log, metric and health; callers of the library see one `KeyUnavailableError`. */
export class KeyError extends Error {
  constructor(
    readonly reason: KeyFault,
    detail: string,
    /** The key service may answer later; nothing is known to be wrong with the key. Default: by the reason. */
    readonly transient: boolean = TRANSIENT.has(reason),
  ) {
    super(`${reason}: ${detail}`);
  }
}

/** Whatever a wrapper fails with becomes a `KeyError`: its own message may hold what must not go further. */
export async function wrapping<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError(
      'KEK_UNAVAILABLE',
      `the key wrapper failed (${error instanceof Error ? error.name : 'unknown error'})`,
    );
  }
}

/**
 * Wraps data keys under key-encryption keys that never leave their place: a keyring, a KMS, an HSM. Write your own by
 * extending this class and passing an instance as `encryption.wrapper`; see docs/key-wrappers.md.
 */
export abstract class KeyWrapper {
  /** The key-encryption key that should wrap from now on. Stored beside what it wraps; 1 to 64 characters of A-Z a-z 0-9 . _ : / - */
  abstract readonly kekId: string;

  /** All key-encryption keys that this process holds or may use, the preferred one first. Default: `kekId` alone. */
  get kekIds(): readonly string[] {
    return [this.kekId];
  }

  /** 32 new random bytes, and the same wrapped under `kekId`. A service that draws data keys itself overrides it. @throws KeyError */
  async generate(context: KeyContext, kekId: string): Promise<{ dataKey: Buffer; blob: Buffer }> {
    const dataKey = randomBytes(KEY_BYTES);
    return { dataKey, blob: await this.wrap(dataKey, context, kekId) };
  }

  /** Wraps 32 bytes under `kekId`, one of `kekIds`. The blob must be bound to the whole context and name its key. @throws KeyError */
  abstract wrap(dataKey: Buffer, context: KeyContext, kekId: string): Promise<Buffer>;

  /**
   * The 32 bytes again.
   * @throws KeyError `KEK_UNAVAILABLE` when the key-encryption key is not there, is disabled or may not be used;
   * `KMS_TIMEOUT` and `KMS_THROTTLED` when a remote service does not answer now; `KEK_UNWRAP_FAILED` when the key is
   * there but does not open the blob under this context.
   */
  abstract unwrap(blob: Buffer, context: KeyContext): Promise<Buffer>;

  /** The same data key under `kekId`. A service that can do so without handing out the key overrides it. @throws KeyError */
  async rewrap(blob: Buffer, context: KeyContext, kekId: string): Promise<Buffer> {
    const dataKey = await this.unwrap(blob, context);
    try {
      return await this.wrap(dataKey, context, kekId);
    } finally {
      dataKey.fill(0);
    }
  }

  /** Grows when `refresh` has found other keys, also under the same ids. */
  get revision(): number {
    return 0;
  }

  /** Called every few seconds: reads again what may have changed. Throws nothing; returns what is wrong, or null. */
  async refresh(): Promise<string | null> {
    return null;
  }

  /** Called at shutdown: ends sessions and connections. */
  async close(): Promise<void> {}
}

/** What a wrapped data key is bound to. */
export interface KeyContext {
  dataKeyId: string;
  tenantId: string;
  purpose: string;
}

export type KeyFault =
  | 'KEY_NOT_FOUND'
  | 'KEY_RETIRED'
  | 'KEY_DESTROYED'
  | 'KEK_UNAVAILABLE'
  | 'KEK_UNWRAP_FAILED'
  | 'KEY_CHECK_FAILED';

/** Internal: told apart in log, metric and health; callers of the library see one `KeyUnavailableError`. */
export class KeyError extends Error {
  constructor(
    readonly reason: KeyFault,
    detail: string,
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
 * Wraps data keys under a key-encryption key that never leaves its place: a keyring, a KMS, an HSM. Write your own by
 * extending this class and passing an instance as `encryption.wrapper`.
 */
export abstract class KeyWrapper {
  /** Which key-encryption key wraps new data keys. Stored beside them, at most 64 characters. */
  abstract readonly kekId: string;

  /** Wraps 32 bytes. The blob must be bound to the whole context. */
  abstract wrap(dataKey: Buffer, context: KeyContext): Promise<Buffer>;

  /**
   * The 32 bytes again.
   * @throws KeyError `KEK_UNAVAILABLE` when the key-encryption key is not there (transient for a remote service),
   * `KEK_UNWRAP_FAILED` when it is there but does not open the blob.
   */
  abstract unwrap(blob: Buffer, context: KeyContext): Promise<Buffer>;
}

const MAX_BATCH = 500;

/** Joins the reads that concurrent callers ask for in one turn of the event loop into one statement. */
export class ReadBatcher<T> {
  #waiting = new Map<string, PromiseWithResolvers<T | null>>();

  constructor(private readonly readMany: (keys: string[]) => Promise<Map<string, T>>) {}

  read(key: string): Promise<T | null> {
    const known = this.#waiting.get(key);
    if (known) return known.promise;
    const pending = withResolvers<T | null>();
    if (this.#waiting.size === 0) setImmediate(() => void this.#flush());
    this.#waiting.set(key, pending);
    if (this.#waiting.size === MAX_BATCH) void this.#flush();
    return pending.promise;
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting;
    if (batch.size === 0) return;
    this.#waiting = new Map();
    try {
      const found = await this.readMany([...batch.keys()]);
      for (const [key, pending] of batch) pending.resolve(found.get(key) ?? null);
    } catch (error) {
      for (const pending of batch.values()) pending.reject(error);
    }
  }
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

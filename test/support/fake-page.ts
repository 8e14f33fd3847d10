/** A page whose clocks, network, visibility and other tabs a test moves by hand, for the parts of the browser package. */
export class FakePage {
  readonly href = 'https://app.example/page';
  readonly origin = 'https://app.example';
  /** What this page has told other tabs. */
  readonly told: unknown[] = [];
  online = true;
  hidden = false;
  #time = { monotonic: 1000, wall: 1_700_000_000_000 };
  readonly #listeners = new Set<{ type: string; listener: () => void }>();

  readonly now = (): { monotonic: number; wall: number } => ({ ...this.#time });
  readonly isOnline = (): boolean => this.online;
  readonly isHidden = (): boolean => this.hidden;

  readonly on = (type: 'wake' | 'hide' | 'online', listener: () => void): (() => void) => {
    const entry = { type, listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  };

  readonly channel = (): {
    postMessage(message: unknown): void;
    addEventListener(): void;
    close(): void;
  } => {
    let closed = false;
    return {
      postMessage: (message) => {
        if (closed) throw new DOMException('the channel is closed', 'InvalidStateError');
        this.told.push(message);
      },
      addEventListener: () => undefined,
      close: () => {
        closed = true;
      },
    };
  };

  get listening(): number {
    return this.#listeners.size;
  }

  pass(seconds: number): void {
    this.#time = {
      monotonic: this.#time.monotonic + seconds * 1000,
      wall: this.#time.wall + seconds * 1000,
    };
  }

  sleep(seconds: number): void {
    this.#time.wall += seconds * 1000;
  }

  setClock(secondsAhead: number): void {
    this.#time.wall += secondsAhead * 1000;
  }

  fire(type: 'wake' | 'hide' | 'online'): void {
    for (const entry of this.#listeners) if (entry.type === type) entry.listener();
  }
}

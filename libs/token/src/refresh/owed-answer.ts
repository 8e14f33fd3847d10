import type { Sealer } from '../store/token-store.js';
import { atMost } from './at-most.js';
import type { Spool } from './spool.js';
import type { SpooledAnswer } from './spooled-answer.js';

/** A directory on a network may hang: neither the database nor a caller waits for it. */
const DISK_MS = 2_000;

/** The answer of one flight on its way to the database: goes to the spool at the first trouble, and out of it in the end. */
export class OwedAnswer {
  #kept: Promise<string | null> | null = null;
  #abandoned = false;

  constructor(
    private readonly spool: Spool,
    private readonly answer: SpooledAnswer,
    private readonly seal: Sealer,
  ) {}

  get about(): { provider: string; recordId: string } {
    return { provider: this.answer.ref.provider, recordId: this.answer.recordId };
  }

  /** Puts it into the spool, unless it is there. Whether it is. Never fails. */
  async keep(): Promise<boolean> {
    this.#kept ??= this.spool.keep(this.answer, this.seal).then((id) => {
      // Perhaps there is room at the next try.
      if (id === null) this.#kept = null;
      return id;
    });
    return (await atMost(DISK_MS, this.#kept, null)) !== null;
  }

  /** The flight cannot store it any more: what is in the spool stays there. Whether it is there. */
  async abandon(): Promise<boolean> {
    this.#abandoned = true;
    return this.keep();
  }

  /** The flight has ended. */
  async end(): Promise<void> {
    if (this.#kept !== null) await atMost(DISK_MS, this.takeOut(this.#kept), undefined);
  }

  private async takeOut(kept: Promise<string | null>): Promise<void> {
    const id = await kept;
    if (id === null) return;
    if (this.#abandoned) this.spool.release(id);
    else await this.spool.remove(id, this.answer);
  }
}

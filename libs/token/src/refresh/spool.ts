import type { TokenEvents } from '../common/events.js';
import { fileErrorCode, SpoolDirectory } from '../store/spool-directory.js';
import type { Sealer } from '../store/token-store.js';
import { sealAnswer, type SpooledAnswer } from './spooled-answer.js';

/** What is known of the spool of this process; `fault` says why nothing can be put into it now. */
export interface SpoolState {
  fault: string | null;
  waiting: number;
  /** Files that cannot be used, by reason. */
  unreadable: Readonly<Record<string, number>>;
}

/** Where answers go that the database does not take at once. Nothing here ever fails: what cannot be spooled stays in memory. */
export class Spool {
  /** Of flights of this process that have not ended. */
  readonly #owed = new Set<string>();
  #state: SpoolState = { fault: null, waiting: 0, unreadable: {} };

  constructor(
    /** Null where none is configured. */
    readonly directory: SpoolDirectory | null,
    private readonly events: TokenEvents,
  ) {}

  get state(): SpoolState {
    return this.#state;
  }

  /** Seals an answer and writes it down. The id of its file, or null where that was not possible. */
  async keep(answer: SpooledAnswer, seal: Sealer): Promise<string | null> {
    if (this.directory === null) return null;
    const about = { provider: answer.ref.provider, recordId: answer.recordId };
    try {
      const { id, text } = sealAnswer(answer, seal);
      this.#owed.add(id);
      await this.directory.write(id, text).catch((error: unknown) => {
        this.#owed.delete(id);
        throw error;
      });
      this.found({ ...this.#state, waiting: this.#state.waiting + 1 });
      this.events.emit({ type: 'answer_spooled', ...about, outcome: 'written' });
      return id;
    } catch (error) {
      this.found({ ...this.#state, fault: fileErrorCode(error) });
      this.events.emit({ type: 'answer_spooled', ...about, outcome: 'failed' });
      return null;
    }
  }

  /** The flight has stored its answer. */
  async remove(id: string, { ref: { provider }, recordId }: SpooledAnswer): Promise<void> {
    // What stays behind is found to be superseded later.
    await this.directory?.remove(`${id}.spool`).catch(() => undefined);
    this.#owed.delete(id);
    this.found({ ...this.#state, waiting: Math.max(0, this.#state.waiting - 1) });
    this.events.emit({ type: 'answer_spooled', provider, recordId, outcome: 'stored' });
  }

  /** The flight has ended without storing it: from now on it is anybody's. */
  release(id: string): void {
    this.#owed.delete(id);
  }

  isOwed(id: string): boolean {
    return this.#owed.has(id);
  }

  /** Notes how the spool was found. */
  found(state: SpoolState): void {
    this.#state = state;
    const unreadable = Object.values(state.unreadable).reduce((sum, count) => sum + count, 0);
    this.events.emit({ type: 'spool_checked', fault: state.fault, waiting: state.waiting, unreadable });
  }
}

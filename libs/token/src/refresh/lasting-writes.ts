import type { Clock } from '../common/clock.js';
import { ProviderUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import type { OwedAnswer } from './owed-answer.js';
import { persist, type Persistence } from './persistence.js';
import { SHUTTING_DOWN, ShutdownGate } from './shutdown-gate.js';
import { SingleFlight } from './single-flight.js';

export const shuttingDown = (provider: string): ProviderUnavailableError =>
  new ProviderUnavailableError(provider, SHUTTING_DOWN, 1);

/** Writes that are repeated until the database takes them, or a shutdown has no time left. */
export class LastingWrites {
  readonly gate = new ShutdownGate();
  readonly #background = new SingleFlight<void>();

  constructor(
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {}

  /** Patiently. What was answered, and is owed to the database, goes to the spool as soon as that stumbles. */
  async keep<T>(
    { owed, provider }: { owed: OwedAnswer | null; provider: string },
    write: () => Promise<T>,
  ): Promise<T> {
    const { clock, gate, events } = this;
    // So late that the process may end at any moment.
    if (gate.closed.aborted) await owed?.keep();
    const settings = { ...this.patience(), ...(owed && { onTrouble: () => owed.keep() }) };
    try {
      return await gate.track(persist(clock, write, settings));
    } catch (error) {
      if (owed && !(await owed.abandon()))
        events.emit({ type: 'answer_spooled', ...owed.about, outcome: 'lost' });
      throw error === gate.closed.reason ? shuttingDown(provider) : error;
    }
  }

  /** The same without an end and without anybody who waits for it; `key` names what is written. */
  inBackground(key: string, write: () => Promise<void>): void {
    const patience = { attempts: Infinity, ...this.patience() };
    this.#background.run(key, () => persist(this.clock, write, patience)).catch(() => undefined);
  }

  /** After the end of a shutdown's time one try is left, for as long as the process goes on to live. */
  private patience(): Persistence {
    const until = this.gate.closed;
    return until.aborted ? { attempts: 1 } : { until };
  }

  /** From now on no refresh token is presented for whoever asks; what others bring is handed out. */
  stopClaiming(): void {
    this.gate.begin(this.clock.monotonic());
  }

  /** Ends all that is being repeated; what is not in the database is in the spool then. */
  async cutOff(): Promise<void> {
    await this.gate.close();
  }

  /** Resolves when nothing is left in the background. */
  async settled(): Promise<void> {
    await this.#background.settled();
  }
}

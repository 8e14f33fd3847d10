import type { Clock } from '../common/clock.js';
import { TokenConfigurationError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import { randomFraction } from '../crypto/random.js';
import { LEASE_MS } from './policy.js';
import { claimantName, Presences } from './presences.js';
import type { Liveness } from './refresh.options.js';
import { RowNews } from './row-news.js';
import { type SessionConnection, SessionConnector, SessionUnsuitableError } from './session-connector.js';

const PING_MS = 400;
/** A server that has not answered after so many steps is taken for gone. */
const PING_STEPS = 10;
const PING_STEP_MS = 200;
const LONGEST_BACKOFF_MS = 2_000;
const UNSUITABLE_MS = 60_000;

/** What a claim rests on. */
export interface Footing {
  /** The session, as the row names it; null: a lease. */
  readonly claimant: string | null;
  readonly connection: SessionConnection | null;
  /** On the monotonic clock. */
  readonly since: number;
}

/**
 * One database connection of its own that shows that this replica lives: it holds a lock that the database frees when the
 * process is gone, and only then, however long it is stopped. Where there is no such thing, claims are leases.
 */
export class ReplicaSession {
  /** What it hears of. */
  readonly news: RowNews;
  /** What it knows of the others. */
  readonly presences: Presences;
  #connection: SessionConnection | null = null;
  /** One that does not answer: the server may still hold the lock for it, and is to do so until the next one has it. */
  #silent: SessionConnection | null = null;
  #stopped = false;
  #watch: Promise<void> | null = null;
  #wake: () => void = () => undefined;
  #reason: string | null = null;

  constructor(
    private readonly connector: SessionConnector,
    readonly replicaId: string,
    private readonly liveness: Liveness,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {
    this.news = new RowNews(clock);
    this.presences = new Presences(connector, clock);
  }

  /** What claims rest on that are made now, and why it is not the session; `none` while none can be made. */
  get state(): { liveness: 'session' | 'lease' | 'none'; reason: string | null } {
    const without = this.liveness === 'session' ? 'none' : 'lease';
    return { liveness: this.#connection === null ? without : 'session', reason: this.#reason };
  }

  /** @throws TokenConfigurationError where a session is demanded and cannot be had */
  async start(): Promise<void> {
    this.#reason = this.connector.available ? null : 'this database has no session locks';
    if (this.liveness === 'lease') this.#reason = 'refresh.liveness is "lease"';
    // So it is meant to be: no news.
    if (this.liveness !== 'session' && this.#reason !== null) return;
    try {
      if (this.#reason !== null) throw new SessionUnsuitableError(this.#reason);
      await this.#open();
    } catch (error) {
      if (this.liveness === 'session')
        throw new TokenConfigurationError(
          [
            `refresh.liveness is "session", but there is no session: ${reasonOf(error)}. Give the data source a direct ` +
              'connection to PostgreSQL, MariaDB or MySQL (no pooler in transaction mode), or set it to "auto".',
          ],
          'SESSION_UNAVAILABLE',
        );
      this.#report(reasonOf(error));
      if (error instanceof SessionUnsuitableError) return;
    }
    this.#watch = this.#keepUp();
  }

  /** Frees the lock: after the last exchange. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#watch;
    const connection = this.#connection;
    this.#connection = null;
    this.news.deaf();
    await Promise.all([connection?.close(), this.#silent?.close()]);
  }

  /** Whether this replica has ended, and its lock with it. */
  get isOver(): boolean {
    return this.#stopped;
  }

  /** What a claim rests on that is made now; null where none may be made. */
  footing(): Footing | null {
    const connection = this.#connection;
    const since = this.clock.monotonic();
    if (connection !== null)
      return { claimant: claimantName(this.replicaId, connection.server), connection, since };
    return this.liveness === 'session' ? null : { claimant: null, connection, since };
  }

  /** False when others may have taken the claim over by now: nothing must be presented under it any more. */
  holds({ claimant, connection, since }: Footing): boolean {
    if (claimant !== null) return connection === this.#connection;
    return this.clock.monotonic() - since < LEASE_MS / 2;
  }

  async #keepUp(): Promise<void> {
    for (let failures = 0; !this.#stopped;) {
      if (this.#connection !== null) {
        await this.#pause(PING_MS);
        const connection = this.#connection as SessionConnection | null;
        if (connection === null || this.#stopped || (await this.#answers(connection))) continue;
        this.#lose(connection, 'the database does not answer');
        this.#silent = connection;
        failures = 0;
      }
      try {
        await this.#open();
        failures = 0;
      } catch (error) {
        this.#report(reasonOf(error));
        const ceiling =
          error instanceof SessionUnsuitableError
            ? UNSUITABLE_MS
            : Math.min(LONGEST_BACKOFF_MS, 50 * 2 ** failures++);
        await this.#pause(ceiling * (0.5 + randomFraction() / 2));
      }
    }
  }

  async #open(): Promise<void> {
    let opened: SessionConnection | null = null;
    let lost = false;
    const connection = await this.connector.open(this.replicaId, {
      changed: (rowId) => this.news.changed(rowId),
      lost: () => {
        lost = true;
        if (opened !== null) this.#lose(opened, 'the connection was lost');
      },
    });
    if (lost || this.#stopped) {
      await connection.close();
      if (lost) throw new Error('the connection was lost');
      return;
    }
    opened = connection;
    this.#connection = connection;
    void this.#silent?.close();
    this.#silent = null;
    this.#report(null);
    if (connection.hears) this.news.begin();
  }

  #lose(connection: SessionConnection, reason: string): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.news.deaf();
    this.#report(reason);
    this.#wake();
  }

  /** Counts steps, not time: a process that was stopped or busy reads its answer first. */
  async #answers(connection: SessionConnection): Promise<boolean> {
    const asked = this.clock.monotonic();
    const answer = connection.ping().then(
      () => true,
      () => false,
    );
    for (let step = 0; step < PING_STEPS && this.#connection === connection; step++) {
      const pause = this.clock.sleep(PING_STEP_MS, false).then(() => null);
      const answers = await Promise.race([answer, pause]);
      if (answers && connection.hears) this.news.heard(asked);
      if (answers !== null) return answers;
    }
    return false;
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#stopped) return;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([woken, this.clock.sleep(milliseconds, false)]);
  }

  #report(reason: string | null): void {
    const news = reason !== this.#reason || reason === null;
    this.#reason = reason;
    if (news) this.events.emit({ type: 'session_changed', ...this.state });
  }
}

/** Drivers name hosts and users in their messages: only their codes are repeated. */
function reasonOf(error: unknown): string {
  if (error instanceof SessionUnsuitableError) return error.message;
  const { code, name } = error as { code?: string; name: string };
  return `the database connection cannot be opened (${code ?? name})`;
}

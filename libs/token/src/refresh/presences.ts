import type { Clock } from '../common/clock.js';
import { type Look, SessionConnector } from './session-connector.js';

/** `unknown`: the lock says nothing, and the heartbeat decides. */
export type Presence = 'present' | 'absent' | 'unknown';

export interface Claimed {
  claimId: string | null;
  /** What `claimantName` makes; null for a lease. */
  claimReplica: string | null;
}

/** A replica that has lost its connection takes its lock again within this time. */
const SECOND_LOOK_MS = 75;
/** Looks that are further apart may be about different losses. */
const FORGOTTEN_MS = 250;

/** How a row names the session that its claim rests on. */
export const claimantName = (replicaId: string, server: string): string => `${replicaId}@${server}`;

/** Whether the claimants of rows still hold their locks. Whoever asks about one claimant at a time shares a look. */
export class Presences {
  readonly #running = new Map<string, Promise<Look>>();
  readonly #next = new Map<string, Promise<Look>>();
  /** When claimants were seen without their locks for the first time. */
  readonly #missed = new Map<string, number>();

  constructor(
    private readonly connector: SessionConnector,
    private readonly clock: Clock,
  ) {}

  /** `absent` only where the lock was free twice, on the server that had it, and that has not been restarted since. */
  async of({ claimId, claimReplica }: Claimed): Promise<Presence> {
    if (claimId === null || claimReplica === null) return 'unknown';
    const first = await this.#judge(claimReplica);
    if (first !== 'absent') return first;
    const now = this.clock.monotonic();
    await this.clock.sleep(Math.max(0, (this.#missed.get(claimReplica) ?? now) + SECOND_LOOK_MS - now));
    return this.#judge(claimReplica);
  }

  /** One look: false as soon as it may be worth while to ask more closely. */
  async isHeld({ claimReplica }: Claimed): Promise<boolean> {
    return claimReplica !== null && (await this.#judge(claimReplica)) === 'present';
  }

  async #judge(claimant: string): Promise<Presence> {
    const [replicaId = '', server = ''] = claimant.split('@');
    const look = await this.#look(replicaId);
    const absent = look.free && this.connector.isSame(server, look.server);
    this.#remember(claimant, absent);
    if (absent) return 'absent';
    return look.free ? 'unknown' : 'present';
  }

  #remember(claimant: string, absent: boolean): void {
    const now = this.clock.monotonic();
    for (const [known, at] of this.#missed) if (now - at > FORGOTTEN_MS) this.#missed.delete(known);
    if (!absent) this.#missed.delete(claimant);
    else if (!this.#missed.has(claimant)) this.#missed.set(claimant, now);
  }

  /** A look that has begun may be older than what the caller has read: it joins the next one. */
  #look(replicaId: string): Promise<Look> {
    const running = this.#running.get(replicaId);
    if (!running) return this.#begin(replicaId);
    let next = this.#next.get(replicaId);
    if (!next) {
      next = running
        .catch(() => undefined)
        .then(() => {
          this.#next.delete(replicaId);
          return this.#begin(replicaId);
        });
      this.#next.set(replicaId, next);
    }
    return next;
  }

  #begin(replicaId: string): Promise<Look> {
    const look = this.connector.look(replicaId).finally(() => {
      if (this.#running.get(replicaId) === look) this.#running.delete(replicaId);
    });
    this.#running.set(replicaId, look);
    return look;
  }
}

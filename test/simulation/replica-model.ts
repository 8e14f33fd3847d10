import type { IssuedAccessToken } from '../../libs/token/src/common/tokens.js';
import type { Effect, Flight } from '../../libs/token/src/refresh/effects.js';
import type { Presentation } from './provider-model.js';

/** One flight in one process: its generator, and what the oracle wants to know of it. */
export interface Running {
  readonly user: number;
  readonly generator: Flight<IssuedAccessToken>;
  readonly deadline: number;
  readonly joined: ((token: IssuedAccessToken | null) => void)[];
  presentation: Presentation | null;
  beats: boolean;
  /** What the claim that it holds rests on. */
  footing: Footing | null;
  /** The generation that it has read last. */
  lastRead: number;
  /** Rows read since it has last paused or presented anything. */
  reads: number;
  /** When the database has answered its last read. */
  readAt: number;
  /** Its probe, until it has told how that went. */
  probeId: string | null;
  permitted: boolean;
  throttled: boolean;
}

/** As in `refresh/replica-session.ts`. */
export interface Footing {
  readonly claimant: string | null;
  readonly connection: number;
  readonly since: number;
}

/** A process between its start and its crash. */
export class ReplicaModel {
  crashed = false;
  /** Whether its session holds its lock; always false where claims are leases. */
  locked: boolean;
  /** Counts the connections that it has had. */
  connection = 0;
  /** Its lock was free for long enough for others to think that it is dead. */
  cutOff = false;
  pausedUntil = 0;
  readonly flights = new Map<string, Running>();
  /** Refresh tokens that have reached this process and are not in the database yet. */
  readonly owed = new Map<string, string>();
  /** Those of them that a crash does not take, and how the next process stores each. */
  readonly spool = new Map<string, () => unknown>();

  constructor(
    readonly name: string,
    hasSession: boolean,
  ) {
    this.locked = hasSession;
  }

  loseLock(): void {
    this.locked = false;
    this.connection++;
  }

  /** From now on nobody knows what it knew. */
  crash(): Running[] {
    this.crashed = true;
    this.locked = false;
    const running = [...this.flights.values()];
    for (const { presentation } of running)
      if (presentation?.state === 'under way' || presentation?.state === 'answered')
        presentation.state = 'unknown';
    this.flights.clear();
    this.owed.clear();
    return running;
  }
}

export type EffectOf<Name extends Effect['name']> = Extract<Effect, { name: Name }>;

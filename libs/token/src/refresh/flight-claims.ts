import type { Clock } from '../common/clock.js';
import { ProviderUnavailableError } from '../common/errors.js';
import { randomId } from '../crypto/random.js';
import type { FullTokenRow } from '../store/token-rows.js';
import { Claims } from './claims.js';
import { type LastingWrites, shuttingDown } from './lasting-writes.js';
import { HEARTBEAT_MS } from './policy.js';
import type { Footing, ReplicaSession } from './replica-session.js';

export interface ClaimParts {
  claims: Claims;
  session: ReplicaSession;
  writes: LastingWrites;
  clock: Clock;
  /** When the caller has come, by the monotonic clock. */
  askedAt: number;
}

const LATER_MS = [1_000, 10_000, 120_000, 600_000];

/** Takes a claim for one flight, keeps it alive, and gives back what came to nothing. */
export class FlightClaims {
  readonly #heartbeats: NodeJS.Timeout[] = [];
  #footing: Footing | null = null;
  /** The claim that rests on the session and has not come to an end. */
  #open: { rowId: string; claimId: string } | null = null;

  constructor(private readonly parts: ClaimParts) {}

  /** The id of the claim, or null where somebody else was faster. @throws ProviderUnavailableError where none may be made now */
  async take(row: FullTokenRow): Promise<string | null> {
    const { claims, session, writes, clock, askedAt } = this.parts;
    const footing = (this.#footing = session.footing());
    if (footing === null)
      throw new ProviderUnavailableError(row.provider, 'the replica session is being restored', 1);
    if (!writes.gate.isOpen(askedAt, clock.monotonic())) throw shuttingDown(row.provider);
    const claimId = randomId();
    try {
      const claimed = await claims.claim(row, claimId, footing.claimant);
      // Its answer would find neither keys nor database.
      if (writes.gate.closed.aborted) throw shuttingDown(row.provider);
      if (claimed && footing.claimant !== null) this.#open = { rowId: row.id, claimId };
      return claimed ? claimId : null;
    } catch (error) {
      // Perhaps claimed, certainly not presented: others need not take it for a lost refresh token.
      this.#giveBack(row, claimId);
      this.#giveBackLater(row, claimId);
      throw error;
    }
  }

  /** False, and the claim is given back, when others may have taken it over, or it is of no use any more. */
  isHeld(row: FullTokenRow, claimId: string, isOfUse: boolean): boolean {
    if (isOfUse && this.#footing !== null && this.parts.session.holds(this.#footing)) return true;
    this.#open = null;
    this.#giveBack(row, claimId);
    return false;
  }

  /** Begins to show that the claimant lives. */
  showLife(rowId: string, claimId: string): void {
    const beat = (): void => {
      // A missed beat shortens the lease; the next one, or the end of the lease, follows.
      this.parts.claims.heartbeat(rowId, claimId).catch(() => undefined);
    };
    this.#heartbeats.push(setInterval(beat, HEARTBEAT_MS).unref());
  }

  /** The end of the claim is in the row. */
  ended(): void {
    this.#open = null;
  }

  /** The flight is over. Not before its answer is stored: while that takes long, nobody may take the claim over. */
  end(): void {
    for (const heartbeat of this.#heartbeats) clearInterval(heartbeat);
    if (this.#open === null) return;
    const { rowId, claimId } = this.#open;
    this.#inBackground(claimId, () => this.parts.claims.letGo(rowId, claimId));
  }

  #giveBack(row: FullTokenRow, claimId: string): void {
    this.#inBackground(claimId, () => this.parts.claims.release(row, claimId));
  }

  /** A statement that was given up here may still be waiting at the server, and be carried out after it was given back. */
  #giveBackLater(row: FullTokenRow, claimId: string): void {
    const { claims, session } = this.parts;
    const release = (): void => {
      if (!session.isOver) claims.release(row, claimId).catch(() => undefined);
    };
    for (const later of LATER_MS) setTimeout(release, later).unref();
  }

  /** As long as the session lives nobody else can take its claims over: until then it does not stop trying. */
  #inBackground(claimId: string, write: () => Promise<void>): void {
    const { session, writes } = this.parts;
    writes.inBackground(claimId, async () => (session.isOver ? undefined : write()));
  }
}

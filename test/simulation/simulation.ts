import {
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  TokenNotFoundError,
} from '../../libs/token/src/common/errors.js';
import { IssuedAccessToken } from '../../libs/token/src/common/tokens.js';
import type { ProviderOptions } from '../../libs/token/src/oauth/provider.options.js';
import type { Exchange } from '../../libs/token/src/oauth/refresh-grant.js';
import type { Verdict } from '../../libs/token/src/refresh/circuit.js';
import type { Effect } from '../../libs/token/src/refresh/effects.js';
import { newerThan } from '../../libs/token/src/refresh/engine.js';
import { HEARTBEAT_MS, LEASE_MS, mayPresent } from '../../libs/token/src/refresh/policy.js';
import { claimantName, type Presence } from '../../libs/token/src/refresh/presences.js';
import { GRACE_SECONDS, type Mode, ProviderModel } from './provider-model.js';
import { ProviderStateModel } from './provider-state-model.js';
import { Random } from './random.js';
import type { FullTokenRow } from '../../libs/token/src/store/token-rows.js';
import { type EffectOf, type Footing, ReplicaModel, type Running } from './replica-model.js';
import { type Broken, RowModel } from './row-model.js';
import { Timeline } from './timeline.js';
import { Violation } from './violation.js';

const STEPS = 200_000;
const HORIZON_MS = 120_000;
/** Of leases, together with a heartbeat's distance shorter than the lease, whose bound docs/refresh.md names. */
const LONGEST_PAUSE_MS = { lease: 5_000, session: 60_000 };
/** A lost connection is replaced faster than others look twice. */
const RECONNECT_MS = 60;
const SECOND_LOOK_MS = 75;
const LONGEST_CUT_MS = 5_000;
const LONGEST_RESTART_MS = 500;
const LONGEST_OUTAGE_MS = 3_000;
const SETTLED_MS = 4_000_000;
const PATIENCE_MS = 45_000;
const LEAST_BACKOFF_MS = 1_000;
const READS_WITHOUT_PAUSE = 1;
/** Longer than the least distance of two refreshes at a provider that is rationed. */
const APART_MS = 200_000;
/** Few enough that two users get in each other's way. */
const RATION = { refreshesPerSecond: 0.2 };

const client = { tokenEndpoint: 'https://id.example.com/token', clientId: 'simulation' };
const PROVIDERS: { mode: Mode; options: ProviderOptions }[] = [
  { mode: 'strict', options: { ...client, reuseGraceSeconds: 0 } },
  { mode: 'strict', options: { ...client, ...RATION } },
  { mode: 'strict', options: { ...client, onUnknownOutcome: 'replay' } },
  { mode: 'grace', options: { ...client, reuseGraceSeconds: GRACE_SECONDS } },
  { mode: 'grace', options: { ...client, onUnknownOutcome: 'reauthorize', ...RATION } },
  { mode: 'plain', options: client },
];

interface Session {
  rows: RowModel;
  /** Something happened that may cost a session at such a provider, whatever anybody does. */
  excused: boolean;
}

/** One run: replicas with calls, crashes and pauses, a database that goes away, a provider that fails; all out of one seed. */
export class Simulation {
  readonly #random: Random;
  readonly #time = new Timeline();
  readonly #options: ProviderOptions;
  readonly #provider: ProviderModel;
  readonly #state: ProviderStateModel;
  readonly #replicas: ReplicaModel[];
  readonly #sessions: Session[];
  /** Who has ever claimed the right to present a refresh token. */
  readonly #claimants = new Map<string, ReplicaModel[]>();
  readonly #rejected = new Set<string>();
  readonly #liveness: 'lease' | 'session';
  #replicaCount = 0;
  /** Counts the starts of the database. */
  #starts = 0;
  #claimCount = 0;
  #databaseBackAt = 0;
  #faulty = true;

  constructor(
    seed: number,
    private readonly broken: Broken = {},
    private readonly trace: (line: string) => void = () => undefined,
  ) {
    const random = (this.#random = new Random(seed));
    const { mode, options } = random.pick(PROVIDERS);
    this.#options = options;
    this.#provider = new ProviderModel(mode, (age) => isAllowed(options, age), random);
    this.#liveness = random.chance(0.6) ? 'session' : 'lease';
    this.#state = new ProviderStateModel(this.#time, broken);
    this.#replicas = Array.from({ length: 1 + random.upTo(4) }, () => this.#newReplica());
    this.#sessions = Array.from({ length: 1 + random.upTo(2) }, (_, user) => ({
      rows: new RowModel(user, this.#provider.logIn(user), this.#time, broken),
      excused: false,
    }));
  }

  /** @throws Violation */
  run(): void {
    const actions = 3 + this.#random.upTo(12);
    for (let count = 0; count < actions; count++)
      this.#time.after(this.#random.fraction() * HORIZON_MS, () => this.#act());
    this.#time.runToEnd(STEPS);
    this.#faulty = false;
    this.#sessions.forEach((_, user) =>
      this.#time.after(SETTLED_MS + user * APART_MS, () => this.#finalCall(user)),
    );
    this.#time.runToEnd(STEPS);
    this.#sessions.forEach((session, user) => this.#assertEnd(session, user));
  }

  #note(what: string): void {
    this.trace(`${this.#time.now.toFixed(0).padStart(7)} ms  ${what}`);
  }

  #act(): void {
    const random = this.#random;
    const action = random.fraction();
    const user = random.upTo(this.#sessions.length);
    if (action < 0.6)
      for (let calls = 1 + random.upTo(4); calls > 0; calls--)
        this.#call(random.pick(this.#replicas), user, random.chance(0.5));
    else if (action < 0.75) this.#crash(random.upTo(this.#replicas.length));
    else if (action < 0.83)
      random.pick(this.#replicas).pausedUntil =
        this.#time.now + random.upTo(LONGEST_PAUSE_MS[this.#liveness]);
    else if (action < 0.91) this.#databaseBackAt = this.#time.now + random.upTo(LONGEST_OUTAGE_MS);
    else if (action < 0.94) this.#logIn(user);
    else if (action < 0.97) this.#backUp();
    else this.#logOut(user);
  }

  #newReplica(): ReplicaModel {
    return new ReplicaModel(`replica-${this.#replicaCount++}`, this.#liveness === 'session');
  }

  /** What may happen to the session of a claimant happens just then, and somebody else wants the same token. */
  #disturbSoon(replica: ReplicaModel, user: number): void {
    if (this.#liveness === 'lease' || !this.#faulty || !this.#random.chance(0.2)) return;
    this.#time.after(this.#random.fraction() * (this.#random.chance(0.5) ? 5 : 500), () =>
      this.#disturb(replica),
    );
    for (let calls = this.#random.upTo(3); calls > 0; calls--)
      this.#time.after(this.#random.upTo(1_000), () =>
        this.#call(this.#random.pick(this.#replicas), user, true),
      );
  }

  /**
   * The database restarts, or the connection is lost, or cut for a while. Not that of a replica that is paused or, when it
   * is cut, presents something: that is the bound of docs/refresh.md.
   */
  #disturb(replica: ReplicaModel): void {
    const isPaused = ({ pausedUntil }: ReplicaModel): boolean => pausedUntil > this.#time.now;
    const kind = this.#random.fraction();
    if (kind < 0.4) {
      if (this.#replicas.some(isPaused)) return;
      this.#note('the database restarts');
      this.#starts++;
      const downMs = this.#random.upTo(LONGEST_RESTART_MS);
      this.#databaseBackAt = Math.max(this.#databaseBackAt, this.#time.now + downMs);
      for (const one of this.#replicas) this.#loseLock(one, downMs + this.#random.upTo(1_000));
      return;
    }
    if (isPaused(replica) || replica.crashed || !replica.locked) return;
    if (kind < 0.7) return this.#loseLock(replica, this.#random.upTo(RECONNECT_MS));
    if ([...replica.flights.values()].some(({ beats }) => beats)) return;
    replica.cutOff = true;
    this.#loseLock(replica, this.#random.upTo(LONGEST_CUT_MS));
  }

  #loseLock(replica: ReplicaModel, forMs: number): void {
    this.#note(`${replica.name} loses its session for ${forMs.toFixed(0)} ms`);
    replica.loseLock();
    const { connection } = replica;
    this.#time.after(forMs, () => {
      if (!replica.crashed && replica.connection === connection) replica.locked = true;
    });
  }

  /** A copy of the database that takes its place some time later, while nobody presents or owes anything. */
  #backUp(): void {
    const copies = this.#sessions.map(({ rows, excused }) => ({ row: rows.row, excused }));
    this.#time.after(this.#random.upTo(this.#random.chance(0.5) ? 1_000 : HORIZON_MS / 2), () => {
      const busy = ({ flights, owed }: ReplicaModel): boolean =>
        owed.size > 0 || [...flights.values()].some(({ beats }) => beats);
      if (this.#replicas.some(busy)) return;
      this.#note('a backup is restored');
      this.#sessions.forEach((session, user) => {
        const { row, excused } = copies[user]!;
        session.rows.restore(row);
        session.excused ||= excused;
      });
    });
  }

  #logIn(user: number): void {
    this.#note(`user ${user} logs in`);
    const session = this.#sessions[user]!;
    session.rows.logIn(this.#provider.logIn(user));
    session.excused = false;
  }

  #logOut(user: number): void {
    this.#note(`user ${user} logs out`);
    const { rows } = this.#sessions[user]!;
    if (rows.row.refreshCt !== null) this.#provider.revoke(rows.row.refreshCt);
    if (rows.row.status !== 'revoked') rows.logOut();
  }

  #crash(index: number): void {
    this.#note(`replica ${index} crashes`);
    const replica = this.#replicas[index]!;
    for (const { user, beats } of replica.crash()) if (beats) this.#sessions[user]!.excused = true;
    const next = (this.#replicas[index] = this.#newReplica());
    for (const [token, statement] of replica.spool) this.#replay(next, token, statement);
  }

  /** What a process has left in its spool is owed by the next one there. */
  #replay(replica: ReplicaModel, token: string, statement: () => unknown): void {
    replica.owed.set(token, 'spool');
    replica.spool.set(token, statement);
    if (this.broken.forgetsSpool) return;
    this.#patiently(replica, statement, () => {
      replica.owed.delete(token);
      replica.spool.delete(token);
    });
  }

  #call(
    replica: ReplicaModel,
    user: number,
    force: boolean,
    answered?: (token: IssuedAccessToken | null) => void,
  ): void {
    const { rows } = this.#sessions[user]!;
    this.#time.after(this.#latency(), () => {
      const row = rows.read();
      if (replica.crashed || row.status !== 'active') return answered?.(null);
      if (!force && row.expiresAt! > row.now) return;
      this.#join(replica, user, row.generation, answered);
    });
  }

  /** As `RefreshService` does: calls of one process for something newer than the same generation share a flight. */
  #join(
    replica: ReplicaModel,
    user: number,
    seen: number,
    answered?: (token: IssuedAccessToken | null) => void,
  ): void {
    const key = this.broken.sharesFlightsOfAllUsers ? String(seen) : `${user} ${seen}`;
    const check = (token: IssuedAccessToken | null): void => {
      if (token !== null) this.#assertNewer(token, user, seen);
      answered?.(token);
    };
    const known = replica.flights.get(key);
    if (known) return void known.joined.push(check);
    const { row } = this.#sessions[user]!.rows;
    const { refreshesPerSecond: _rate, ...unrationed } = this.#options;
    const provider = this.broken.ignoresRate ? unrationed : this.#options;
    const settings = { ref: row, provider, beforeExpirySeconds: 5, holds: !this.broken.ignoresHold };
    const flight: Running = {
      user,
      generator: newerThan(seen, settings),
      deadline: this.#time.now + PATIENCE_MS,
      joined: [check],
      presentation: null,
      beats: false,
      footing: null,
      lastRead: 0,
      reads: 0,
      readAt: 0,
      probeId: null,
      permitted: false,
      throttled: false,
    };
    replica.flights.set(key, flight);
    const end = (token: IssuedAccessToken | null): void => {
      flight.beats = false;
      if (flight.probeId !== null) this.#settle(flight, null, () => undefined);
      replica.flights.delete(key);
      for (const joined of flight.joined) joined(token);
    };
    this.#advance(replica, flight, undefined, end);
  }

  #assertNewer(token: IssuedAccessToken, user: number, seen: number): void {
    const { values } = this.#sessions[user]!.rows;
    if (!token.value.startsWith(`access-${user}-`))
      throw new Violation('I5', `a call for user ${user} got ${token.value}`);
    const generation = IssuedAccessToken.generationOf(token);
    if (generation <= seen || values.get(generation) !== token.value || values.get(seen) === token.value)
      throw new Violation('I5', 'a call got the token that it had refused, or one that was never stored');
  }

  /** A call may fail in three ways, and with "log in again" only where the session has ended. @throws whatever else it is */
  #assertDeserved(error: unknown, flight: Running): void {
    if (error instanceof ProviderUnavailableError || error instanceof TokenNotFoundError) return;
    if (!(error instanceof ReauthorizationRequiredError)) throw error;
    const { row, isHeld } = this.#sessions[flight.user]!.rows;
    // Where a backup was restored since, nobody has looked at it yet.
    const isSame = row.generation === flight.lastRead && row.lineage.known;
    if (row.status === 'active' && isSame && !isHeld)
      throw new Violation('I6', 'a call was told to log in again although the session is alive');
  }

  /** Hands the flight an answer, and carries out what it asks for next. A process that is paused gets it later, a dead one never. */
  #advance(
    replica: ReplicaModel,
    flight: Running,
    answer: unknown,
    end: (token: IssuedAccessToken | null) => void,
  ): void {
    if (replica.crashed) return;
    if (replica.pausedUntil > this.#time.now)
      return this.#time.after(replica.pausedUntil - this.#time.now, () =>
        this.#advance(replica, flight, answer, end),
      );
    let step;
    try {
      step = flight.generator.next(answer);
    } catch (error) {
      this.#assertDeserved(error, flight);
      return end(null);
    }
    if (step.done) return end(step.value);
    const next = (value: unknown): void => this.#advance(replica, flight, value, end);
    this.#perform(step.value, replica, flight, next, () => (replica.crashed ? undefined : end(null)));
  }

  #perform(
    effect: Effect,
    replica: ReplicaModel,
    flight: Running,
    next: (answer: unknown) => void,
    lost: () => void,
  ): void {
    const { rows } = this.#sessions[flight.user]!;
    const once = (statement: () => unknown): void => this.#database(statement, next, lost);
    const patiently = (statement: () => unknown): void => this.#patiently(replica, statement, next);
    this.#note(`replica ${this.#replicas.indexOf(replica)}, user ${flight.user}: ${effect.name}`);
    switch (effect.name) {
      case 'read':
        if (++flight.reads > READS_WITHOUT_PAUSE)
          throw new Violation('I8', 'a call reads again and again without a pause');
        return once(() => {
          const row = rows.read();
          flight.lastRead = row.generation;
          flight.readAt = this.#time.now;
          return { ...row, circuit: this.#state.circuit };
        });
      case 'recognize':
        return once(() => rows.recognize());
      case 'reread':
        return patiently(() => rows.read());
      case 'openAccess':
        return next({ accessToken: effect.input.accessCt, dpopKey: null });
      case 'open':
        return next({
          accessToken: effect.input.accessCt,
          refreshToken: effect.input.refreshCt,
          idToken: null,
          dpopKey: null,
        });
      case 'presence':
        return this.#presence(effect.input.claimReplica!, next, lost);
      case 'wait':
        flight.reads = 0;
        return this.#time.after(40 + this.#random.fraction() * 40, () =>
          next(this.#time.now < flight.deadline),
        );
      case 'claim':
        return this.#claim(effect, replica, flight, next, lost);
      case 'probe': {
        const probeId = `probe-${++this.#claimCount}`;
        return this.#database(
          () => this.#state.takeProbe(probeId),
          (taken) => {
            flight.probeId = taken as string | null;
            next(taken);
          },
          lost,
        );
      }
      case 'permit':
        return this.#database(
          () => this.#state.takePermit(this.#options.refreshesPerSecond!),
          (waitMs) => {
            flight.permitted = waitMs === 0;
            next(waitMs);
          },
          lost,
        );
      case 'settle':
        return this.#settle(flight, effect.input.verdict, () => next(undefined));
      case 'present':
        return this.#present(effect, replica, flight, next);
      case 'commit':
        if (this.broken.forgetsAnswer) return next(true);
        return this.#patiently(
          replica,
          () => this.#commit(effect, replica, flight),
          next,
          () => this.#spool(effect, replica, flight),
        );
      case 'fail':
        return patiently(() => this.#fail(effect, flight));
      case 'giveUp':
        return once(() => this.#fail(effect, flight));
      case 'discard':
        this.#provider.revoke(effect.input.refreshToken);
        return next(undefined);
      case 'report':
        return next(undefined);
    }
  }

  /** As `Presences`: free twice, on the same start of the database. */
  #presence(claimReplica: string, next: (answer: Presence) => void, lost: () => void): void {
    const [name] = claimReplica.split('@');
    const look = (): Presence => {
      const isHeld = this.#replicas.some((replica) => replica.name === name && replica.locked);
      if (isHeld && !this.broken.overlooksLocks) return 'present';
      return claimReplica === claimantName(name!, String(this.#starts)) || this.broken.overlooksRestarts
        ? 'absent'
        : 'unknown';
    };
    const take = (answer: unknown): void => next(answer as Presence);
    this.#database(
      look,
      (first) => {
        if (first !== 'absent' || this.broken.looksOnce) return take(first);
        this.#time.after(SECOND_LOOK_MS, () => this.#database(look, take, lost));
      },
      lost,
    );
  }

  #settle(flight: Running, verdict: Verdict | null, next: () => void): void {
    const { probeId, throttled } = flight;
    flight.probeId = null;
    flight.throttled = false;
    this.#database(
      () => {
        this.#state.settle(probeId, verdict);
        if (throttled && probeId === null) this.#state.assertOpen();
      },
      next,
      next,
    );
  }

  #claim(
    { input: row }: EffectOf<'claim'>,
    replica: ReplicaModel,
    flight: Running,
    next: (answer: unknown) => void,
    lost: () => void,
  ): void {
    const { rows } = this.#sessions[flight.user]!;
    const claimId = `claim-${++this.#claimCount}`;
    const since = this.#time.now;
    const { connection, locked } = replica;
    // Where a session is demanded nothing is claimed without one.
    if (this.#liveness === 'session' && !locked) return lost();
    const claimant = locked ? claimantName(replica.name, String(this.#starts)) : null;
    flight.footing = { claimant, connection, since };
    const statement = (): string | null => {
      const retryAfter = rows.row.retryAfter;
      if (!rows.claim(row, claimId, claimant)) return null;
      if (retryAfter !== null && retryAfter > this.#time.now)
        throw new Violation('I7', 'a row was claimed before the end of its back-off');
      const refreshToken = rows.row.refreshCt!;
      this.#disturbSoon(replica, flight.user);
      this.#claimants.set(refreshToken, [...(this.#claimants.get(refreshToken) ?? []), replica]);
      return claimId;
    };
    this.#database(statement, next, () => {
      this.#release(replica, row, flight, claimId);
      lost();
    });
  }

  #release(replica: ReplicaModel, row: FullTokenRow, { user }: Running, claimId: string): void {
    const { rows } = this.#sessions[user]!;
    this.#patiently(
      replica,
      () => rows.release(row, claimId),
      () => undefined,
    );
  }

  #holds(replica: ReplicaModel, { claimant, connection, since }: Footing): boolean {
    if (claimant === null) return this.#time.now - since < LEASE_MS / 2;
    return replica.locked && replica.connection === connection;
  }

  #present(
    { input }: EffectOf<'present'>,
    replica: ReplicaModel,
    flight: Running,
    next: (answer: unknown) => void,
  ): void {
    const begun = this.#time.now;
    const inTime = mayPresent(input.row, this.#options, begun - flight.readAt);
    if (!inTime || (!this.#holds(replica, flight.footing!) && !this.broken.presentsWithoutLock)) {
      this.#release(replica, input.row, flight, input.claimId);
      return next(null);
    }
    this.#state.assertAdmitted(flight.readAt, flight.probeId);
    if (this.#options.refreshesPerSecond !== undefined && !flight.permitted)
      throw new Violation('I7', 'a provider that is rationed was asked without a permit');
    flight.permitted = false;
    flight.beats = true;
    this.#beat(replica, flight, input.claimId);
    const answer = (exchange: Exchange): void => {
      this.#time.after(this.#latency(), () => {
        if (replica.crashed) return;
        const presentation = flight.presentation!;
        if (exchange.outcome === 'answered') presentation.state = 'answered';
        else if (exchange.outcome === 'outcome_unknown') {
          presentation.state = 'unknown';
          this.#sessions[flight.user]!.excused = true;
        } else presentation.state = 'harmless';
        const received = exchange.outcome === 'answered' ? exchange.json['refresh_token'] : undefined;
        if (typeof received === 'string') replica.owed.set(received, input.row.id);
        flight.throttled = exchange.outcome === 'throttled';
        next({ exchange, elapsedMs: this.#time.now - begun, random: this.#random.fraction() });
      });
    };
    this.#time.after(this.#latency(), () => {
      const { readAt } = flight;
      flight.presentation = this.#provider.present(
        input.refreshToken,
        this.#time.now,
        readAt,
        replica.crashed,
      );
      // The process may have died since it sent the request.
      if (replica.crashed) flight.presentation.state = 'unknown';
      const exchange = this.#exchange(input.refreshToken, flight);
      this.#note(`the provider's answer to ${input.refreshToken}: ${exchange.outcome}`);
      answer(exchange);
    });
  }

  #exchange(refreshToken: string, flight: Running): Exchange {
    const failed = (
      outcome: 'unavailable' | 'throttled' | 'client_rejected' | 'outcome_unknown',
      retryAfterSeconds: number | null = null,
    ): Exchange => ({
      outcome,
      reason: 'simulated',
      retryAfterSeconds,
    });
    const fault = this.#faulty ? this.#random.fraction() : 1;
    if (fault < 0.05) return failed('unavailable');
    if (fault < 0.1) return failed('throttled', this.#random.upTo(10));
    if (fault < 0.13) return failed('client_rejected');
    if (fault < 0.16) return failed('outcome_unknown');
    const json = this.#provider.process(refreshToken, flight.presentation!, this.#time.now);
    if (fault < 0.22) return failed('outcome_unknown');
    if (json === null) {
      this.#rejected.add(refreshToken);
      return { outcome: 'grant_rejected', reason: 'invalid_grant', retryAfterSeconds: null };
    }
    if (fault < 0.26) return { outcome: 'answered', json: { ...json, access_token: 7 } };
    return { outcome: 'answered', json };
  }

  #beat(replica: ReplicaModel, flight: Running, claimId: string): void {
    this.#time.after(HEARTBEAT_MS, () => {
      if (replica.crashed || !flight.beats) return;
      const later = Math.max(0, replica.pausedUntil - this.#time.now);
      this.#time.after(later, () => {
        if (replica.crashed || !flight.beats) return;
        this.#database(
          () => this.#sessions[flight.user]!.rows.heartbeat(claimId),
          () => undefined,
          () => undefined,
        );
        this.#beat(replica, flight, claimId);
      });
    });
  }

  #commit({ input }: EffectOf<'commit'>, replica: ReplicaModel, flight: Running): boolean {
    const { rows } = this.#sessions[flight.user]!;
    const stored = rows.commit(input.row.generation, input.tokens, input.write, input.quarantine);
    // Stored, or the row has moved on: in both cases nobody needs this process to know it any longer.
    replica.owed.delete(input.tokens.refreshToken ?? '');
    replica.spool.delete(input.tokens.refreshToken ?? '');
    flight.presentation!.state = 'stored';
    if (replica.crashed) flight.presentation!.storedLateAt = this.#time.now;
    return stored;
  }

  /** At the first trouble with the database. */
  #spool({ input }: EffectOf<'commit'>, replica: ReplicaModel, { user }: Running): void {
    const { rows } = this.#sessions[user]!;
    const { row, tokens, write, quarantine } = input;
    replica.spool.set(tokens.refreshToken!, () => {
      if (rows.row.status === 'revoked') this.#provider.revoke(tokens.refreshToken!);
      else rows.commit(row.generation, tokens, write, quarantine);
    });
  }

  #fail({ input: { held, failure } }: EffectOf<'fail' | 'giveUp'>, flight: Running): boolean {
    const session = this.#sessions[flight.user]!;
    const { refreshCt } = session.rows.row;
    const ended = session.rows.fail(held, failure);
    if (ended && !failure.reauthorize && failure.retryInMs < LEAST_BACKOFF_MS)
      throw new Violation('I7', 'a failure is followed by no back-off');
    if (!ended || !failure.reauthorize) return ended;
    const known = this.#provider.presentations.get(refreshCt!) ?? [];
    // Where a replay is always allowed, only the provider itself can end a session.
    const mayBeLost = !isAllowed(this.#options, Number.MAX_VALUE);
    const evidence =
      this.#rejected.has(refreshCt!) ||
      (mayBeLost && (known.some(({ state }) => state === 'unknown') || this.#claimantHasDied(refreshCt!)));
    if (!evidence)
      throw new Violation('I6', 'a session was ended although nobody has said that its grant is dead');
    return ended;
  }

  /** Or was taken for dead: then nobody else knows whether it has presented the refresh token. */
  #claimantHasDied(refreshToken: string): boolean {
    return this.#claimants.get(refreshToken)?.some(({ crashed, cutOff }) => crashed || cutOff) ?? false;
  }

  #finalCall(user: number): void {
    let ended = false;
    this.#call(this.#replicas[0]!, user, true, (token) => {
      ended = true;
      const { row, isHeld } = this.#sessions[user]!.rows;
      if (token === null && row.status === 'active' && !isHeld)
        throw new Violation('I8', 'long after the last fault a call still gets no token');
    });
    this.#time.after(PATIENCE_MS * 2, () => {
      if (!ended) throw new Violation('I8', 'a call never ends');
    });
  }

  #assertEnd({ rows, excused }: Session, user: number): void {
    for (const { owed } of this.#replicas)
      if (owed.size > 0)
        throw new Violation('I2', 'a refresh token that reached a living process was not stored');
    const lost = excused || this.#claimantHasDied(rows.row.refreshCt ?? '');
    if (rows.row.status === 'reauthorization_required' && !lost)
      throw new Violation('I6', `user ${user} has to log in again although no reply was lost`);
  }

  #patiently(
    replica: ReplicaModel,
    statement: () => unknown,
    done: (answer: unknown) => void,
    trouble: () => void = () => undefined,
  ): void {
    this.#database(statement, done, () => {
      if (!replica.crashed) trouble();
      this.#time.after(200, () => {
        if (!replica.crashed) this.#patiently(replica, statement, done, trouble);
      });
    });
  }

  /** A statement reaches the database, or does not; its answer comes back, or does not. */
  #database(statement: () => unknown, done: (answer: unknown) => void, lost: () => void): void {
    this.#time.after(this.#latency(), () => {
      if (this.#time.now < this.#databaseBackAt) return lost();
      const answer = statement();
      const answerLost = this.#faulty && this.#random.chance(0.02);
      if (answerLost) this.#note("the database's answer is lost");
      this.#time.after(this.#latency(), () => (answerLost ? lost() : done(answer)));
    });
  }

  #latency(): number {
    const kind = this.#random.fraction();
    return this.#random.fraction() * (kind < 0.8 ? 5 : kind < 0.97 ? 200 : 1_000);
  }
}

/** What docs/refresh.md says of unknown outcomes, apart from the code that decides so. */
function isAllowed({ onUnknownOutcome, reuseGraceSeconds }: ProviderOptions, ageMs: number): boolean {
  if (onUnknownOutcome !== undefined) return onUnknownOutcome === 'replay';
  return reuseGraceSeconds === undefined || ageMs < reuseGraceSeconds * 1000;
}

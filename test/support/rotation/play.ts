import { setTimeout as pause } from 'node:timers/promises';
import type { TokenModuleOptions } from '@tokenward/nestjs';
import type { DataSourceOptions } from 'typeorm';
import { PROVIDER, providerOptions } from '../app.js';
import type { TestProvider } from '../provider.js';
import { Account } from './account.js';
import { countLost } from './audit.js';
import { Fleet } from './fleet.js';
import { type ActiveKeys, activeKeys } from './lagging.js';
import { KilledError, RemoteError } from './member.js';
import { Observer } from './observer.js';
import { randomOf, Traffic } from './traffic.js';

export interface Scene {
  database: DataSourceOptions;
  /** The bundled process of a replica. */
  file: string;
  provider: TestProvider;
  keyring: string;
  rows: number;
  /** Of these, how many belong to the strict OpenID provider. */
  refreshedRows: number;
  readsPerSecond: number;
  /** Kills go on for so long at least, and until every row has been moved. */
  seconds: number;
  killEveryMs: number;
  /** Told what happens, for those who watch. */
  say?: (what: string) => void;
}

export interface Outcome {
  rows: number;
  reads: number;
  writes: number;
  refreshes: number;
  kills: number;
  failed: number;
  /** Token sets that do not open to what was stored last. */
  lost: number;
  /** Refresh tokens that the provider had used up when the kill came, before its answer could be stored: no client can keep these. */
  cutOff: number;
  /** Writes that the database has refused because their key was retired. */
  fenced: number;
  /** From the rotation until no row that was there before it is under the old key. */
  seconds: number;
  /** Whatever should not have happened, in words. */
  violations: string[];
}

const REPLICAS = 4;
const PROMPT = [0, 1];
/** These two miss the rotation. */
const LAGGING = [2, 3];
const AT_ONCE = 50;
const POLL_MS = 100;
const PATIENCE_MS = 600_000;
/** More than all replicas move while one statement runs. */
const CERTAINLY_IN_USE = 20_000;
const STORED = 'stored';

/** A rotation in the middle of the day: four replicas, two of which miss it, under load and kills, from the first write to the retired key. */
export async function play(scene: Scene): Promise<Outcome> {
  const observer = await Observer.of(scene.database);
  let believes: ActiveKeys | undefined;
  const fleet = new Fleet(scene.file, REPLICAS, (slot) => ({
    database: scene.database,
    options: optionsOf(scene),
    ...(believes && LAGGING.includes(slot) && { believes }),
  }));
  try {
    await fleet.fill();
    scene.say?.(`${scene.rows} users log in`);
    const accounts = await logIn(scene, fleet);
    believes = await activeKeys(observer.dataSource);
    for (const slot of LAGGING) await fleet.replace(slot);
    return await new Play(scene, observer, fleet, accounts).run();
  } finally {
    await fleet.leave();
    await observer.close();
  }
}

class Play {
  private readonly violations: string[] = [];
  private readonly traffic: Traffic;
  private old: { id: string; usableId: string | null };
  private movedMs: number | null = null;

  constructor(
    private readonly scene: Scene,
    private readonly observer: Observer,
    private readonly fleet: Fleet,
    private readonly accounts: readonly Account[],
  ) {
    this.traffic = new Traffic(fleet, accounts);
  }

  async run(): Promise<Outcome> {
    const { tally } = this.traffic;
    this.scene.say?.('the load begins');
    this.traffic.start(this.scene.readsPerSecond, 4, 2);
    await until(() => tally.reads > this.scene.readsPerSecond && tally.refreshes > 5, 'the load runs');
    const rotatedAt = await this.rotate();
    await this.fleet.reencrypt();
    this.scene.say?.('the key was rotated; rows are moved, and replicas killed');
    await Promise.all([this.watchMove(rotatedAt), this.killAround(rotatedAt)]);
    await this.empty();
    await this.retire();
    await this.traffic.stop();
    this.scene.say?.('the old key was retired; every row is opened');
    const { lost, cutOff } = await countLost(
      this.accounts,
      this.fleet,
      this.scene.provider.oracle,
      this.check,
    );
    return this.outcome(lost, cutOff);
  }

  /** Notes what does not hold, and goes on: one run tells all. */
  private readonly check = (holds: boolean, what: string): void => {
    if (!holds) this.violations.push(what);
  };

  private async rotate(): Promise<number> {
    const [active] = await this.observer.keys('active');
    this.old = active!;
    const { rotated } = await this.fleet.member(0).call('rotate');
    this.check(
      rotated.length === 1 && rotated[0]!.from === this.old.id,
      'not exactly the active key was replaced',
    );
    await this.tryToRetire();
    return this.observer.stateChangedAt(this.old.id);
  }

  private async tryToRetire(): Promise<void> {
    const answer = await retire(this.fleet, this.old.id);
    this.check(answer === 'KEY_IN_USE', `a key with rows was to be retired and the answer was: ${answer}`);
  }

  private async watchMove(rotatedAt: number): Promise<void> {
    const begun = performance.now();
    await until(() => this.isMoved(rotatedAt), 'every row is moved', this.scene.say ? 5_000 : POLL_MS);
    this.movedMs = performance.now() - begun;
  }

  private async isMoved(rotatedAt: number): Promise<boolean> {
    const left = await this.observer.rowsLeft(this.old.usableId!, rotatedAt);
    this.scene.say?.(`${left} rows left, ${this.fleet.members.length} replicas, ${this.fleet.kills} kills`);
    return left === 0;
  }

  private async killAround(rotatedAt: number): Promise<void> {
    const { seconds, killEveryMs } = this.scene;
    const begun = performance.now();
    for (let kill = 1; this.movedMs === null || performance.now() - begun < seconds * 1000; kill++) {
      await pause(Math.max(0, begun + kill * killEveryMs - performance.now()));
      // Not before the one in its place serves: a machine that takes longer to start one kills less often.
      await this.fleet.killOne();
      if ((await this.observer.rowsLeft(this.old.usableId!, rotatedAt)) > CERTAINLY_IN_USE)
        await this.tryToRetire();
    }
  }

  /** What replicas have sealed under the old key although it was replaced is moved as well. */
  private async empty(): Promise<void> {
    await this.traffic.stopWriting();
    for (const slot of LAGGING) await this.writeBy(slot);
    const left = async (): Promise<number> => (await this.observer.rowsByKey())[this.old.usableId!] ?? 0;
    this.scene.say?.('what lagging replicas have sealed is moved');
    await until(async () => (await left()) === 0, 'what was sealed late is moved');
  }

  private async retire(): Promise<void> {
    await this.checkAllMoved();
    const answer = await retire(this.fleet, this.old.id);
    this.check(answer === null, `the empty key was to be retired and the answer was: ${answer}`);
    for (const slot of LAGGING) {
      for (let count = 0; count < 5; count++) await this.writeBy(slot);
      this.check(this.fenced(slot) === 1, `replica ${slot} was refused ${this.fenced(slot)} times, not once`);
    }
    const { tally } = this.traffic;
    const before = tally.reads;
    await until(() => tally.reads > before + this.scene.readsPerSecond / 2, 'reads go on');
    await this.checkAllMoved();
  }

  private async checkAllMoved(): Promise<void> {
    const [active] = await this.observer.keys('active');
    const byKey = await this.observer.rowsByKey();
    const all = { [active!.usableId!]: this.scene.rows };
    this.check(JSON.stringify(byKey) === JSON.stringify(all), `rows by key: ${JSON.stringify(byKey)}`);
  }

  private async writeBy(slot: number): Promise<void> {
    const idle = this.accounts.filter((account) => !account.isRefreshed);
    await this.traffic.write(randomOf(idle), this.fleet.member(slot));
  }

  private fenced(slot?: number): number {
    const { events } = this.fleet;
    return events.filter((one) => one.event.type === 'write_fenced' && (slot ?? one.slot) === one.slot)
      .length;
  }

  private outcome(lost: number, cutOff: number): Outcome {
    const { reads, writes, refreshes, failures } = this.traffic.tally;
    const reported = this.fleet.events.filter(
      ({ slot, event }) =>
        event.type !== 'write_fenced' &&
        // It would seal again under the old key, and sees so itself.
        !(LAGGING.includes(slot) && event.type === 'job_run' && event.reason?.includes('KEY_NOT_REPLACED')),
    );
    return {
      rows: this.scene.rows,
      reads,
      writes,
      refreshes,
      kills: this.fleet.kills,
      failed: failures.length,
      lost,
      cutOff,
      fenced: this.fenced(),
      seconds: this.movedMs! / 1000,
      violations: [
        ...this.violations,
        ...failures,
        ...reported.map(({ slot, event }) => `replica ${slot} has reported ${JSON.stringify(event)}`),
      ],
    };
  }
}

function optionsOf({ provider, keyring }: Scene): TokenModuleOptions {
  return {
    providers: {
      [PROVIDER]: providerOptions(provider),
      [STORED]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' },
    },
    encryption: { keyring },
    refresh: { ahead: false },
    cleanup: false,
    revocation: false,
    rotation: false,
    cache: false,
  };
}

/** All users log in, through all replicas. */
async function logIn({ rows, refreshedRows, provider }: Scene, fleet: Fleet): Promise<Account[]> {
  const accounts = Array.from({ length: rows }, (_, index) => {
    const refreshed = index < refreshedRows;
    const ref = { userId: `user-${index}`, provider: refreshed ? PROVIDER : STORED };
    return new Account(ref, refreshed ? provider.oracle.issued : null);
  });
  const waiting = [...accounts];
  const worker = async (): Promise<void> => {
    for (let account = waiting.pop(); account; account = waiting.pop()) {
      const { ref, isRefreshed } = account;
      const tokens = isRefreshed ? await provider.mintTokens({ sub: ref.userId }) : account.next();
      await fleet.any().call('store', ref, tokens);
      account.confirm(tokens.access_token);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return accounts;
}

/** Null if it was retired, else the code of the refusal. */
async function retire(fleet: Fleet, keyId: string): Promise<string | null> {
  for (;;) {
    try {
      await (await fleet.firstOf(PROMPT)).call('retire', keyId);
      return null;
    } catch (error) {
      if (error instanceof KilledError) continue;
      return error instanceof RemoteError ? (error.code ?? error.message) : (error as Error).message;
    }
  }
}

async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  everyMs = POLL_MS,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await pause(everyMs);
  }
}

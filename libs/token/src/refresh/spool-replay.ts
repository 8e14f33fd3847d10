import type { Clock } from '../common/clock.js';
import { DecryptionError } from '../common/errors.js';
import type { SpoolOutcome, TokenEvents } from '../common/events.js';
import { RevocationOutbox } from '../store/revocation-outbox.js';
import { fileErrorCode, type SpoolDirectory } from '../store/spool-directory.js';
import { TokenRows } from '../store/token-rows.js';
import { TokenStore } from '../store/token-store.js';
import { atMost } from './at-most.js';
import { Claims } from './claims.js';
import { unlessShredded } from './refresh-driver.js';
import type { Spool } from './spool.js';
import { agedBy, openAnswer, type SpooledAnswer, SpoolFileError } from './spooled-answer.js';

const ROUND_MS = 5_000;
/** A start-up does not wait for longer; the rest follows in the background. */
const START_MS = 10_000;
/** A file without its final name is another process's that is at it, or that died so long ago. */
const UNFINISHED_MS = 30_000;
const HANGS = 'ETIMEDOUT';
/** Longer than a provider takes to answer a revocation. */
const REPLAY_MS = 60_000;
const AT_ONCE = 8;
const ATTEMPTS = 5;
/** Troubles of the machine or a disk, which may be over in the next round; what is wrong with a file itself stays so. */
const PASSING = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'ESTALE', 'EBUSY', 'EAGAIN', 'ETIMEDOUT']);

interface Parts {
  spool: Spool;
  rows: TokenRows;
  store: TokenStore;
  claims: Claims;
  outbox: RevocationOutbox;
}

/**
 * Stores what is in the spool: at the start what earlier processes have left, then every five seconds. Safe with several
 * processes on one directory: the database decides, and who comes second finds the answer superseded.
 */
export class SpoolReplay {
  /** Why a file cannot be used. */
  readonly #unreadable = new Map<string, string>();
  /** Those of them that are not looked at again. */
  readonly #givenUp = new Set<string>();
  readonly #unfinishedSince = new Map<string, number>();
  #stopped = false;
  #going: Promise<void> = Promise.resolve();
  #probe: Promise<string | null> | null = null;

  constructor(
    private readonly parts: Parts,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {}

  /** The first round, before anybody refreshes anything; the later ones follow by themselves until `stop`. */
  async start(): Promise<void> {
    const { directory } = this.parts.spool;
    if (directory === null) {
      this.events.emit({ type: 'spool_missing' });
      return;
    }
    this.#going = this.round(directory);
    await Promise.race([this.#going, this.clock.sleep(START_MS, false)]);
    void this.goOn(directory);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#going;
  }

  private async goOn(directory: SpoolDirectory): Promise<void> {
    for (;;) {
      await this.#going;
      await this.clock.sleep(ROUND_MS, false);
      if (this.#stopped) return;
      this.#going = this.round(directory);
    }
  }

  private async round(directory: SpoolDirectory): Promise<void> {
    const { spool } = this.parts;
    // One that hangs is enough.
    this.#probe ??= directory
      .probe()
      .then(() => null, fileErrorCode)
      .finally(() => (this.#probe = null));
    const fault = await atMost(ROUND_MS, this.#probe, HANGS);
    if (fault === HANGS) return spool.found({ ...spool.state, fault });
    try {
      const left = await this.drain(directory);
      const unreadable: Record<string, number> = {};
      for (const reason of this.#unreadable.values()) unreadable[reason] = (unreadable[reason] ?? 0) + 1;
      spool.found({ fault, waiting: left - this.#unreadable.size, unreadable });
    } catch (error) {
      spool.found({ ...spool.state, fault: fault ?? fileErrorCode(error) });
    }
  }

  /** How many files are left. */
  private async drain(directory: SpoolDirectory): Promise<number> {
    const files = await directory.list();
    const names = new Set(files.map(({ name }) => name));
    for (const known of [this.#unreadable, this.#unfinishedSince, this.#givenUp])
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    const ready = files.filter(
      ({ name, id, unfinished }) =>
        !this.parts.spool.isOwed(id) && !this.#givenUp.has(name) && !(unfinished && this.isYoung(name)),
    );
    let done = 0;
    const worker = async (): Promise<void> => {
      for (let file = ready.shift(); file && !this.#stopped; file = ready.shift())
        // A connection that is half open must not keep the later rounds from another one.
        if (await atMost(REPLAY_MS, this.replay(directory, file), false)) done++;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return files.length - done;
  }

  private isYoung(name: string): boolean {
    const now = this.clock.monotonic();
    const since = this.#unfinishedSince.get(name) ?? now;
    this.#unfinishedSince.set(name, since);
    return now - since < UNFINISHED_MS;
  }

  /** Whether the file is gone. What fails with the database or the key service is left to the next round. */
  private async replay(
    directory: SpoolDirectory,
    { name, id }: { name: string; id: string },
  ): Promise<boolean> {
    try {
      const text = await directory.read(name).catch((error: unknown) => {
        throw new SpoolFileError(fileErrorCode(error));
      });
      this.#unreadable.delete(name);
      if (text === null) return true;
      const answer = await openAnswer(text, id, this.parts.store);
      const outcome = await this.settle(answer);
      if (outcome === null) return false;
      await directory.remove(name);
      const { recordId, ref } = answer;
      this.events.emit({ type: 'answer_spooled', provider: ref.provider, recordId, outcome });
      return true;
    } catch (error) {
      const reason =
        error instanceof SpoolFileError
          ? error.reason
          : error instanceof DecryptionError
            ? DecryptionError.reasonOf(error)
            : null;
      if (reason === null) return false;
      if (!PASSING.has(reason)) this.#givenUp.add(name);
      if (this.#unreadable.get(name) === reason) return false;
      this.#unreadable.set(name, reason);
      this.events.emit({ type: 'spool_file_unreadable', file: id, reason });
      return false;
    }
  }

  /** Null where the row keeps changing. */
  private async settle(answer: SpooledAnswer): Promise<SpoolOutcome | null> {
    const { rows, outbox } = this.parts;
    const { ref, recordId, presented, tokens } = answer;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const row = await rows.findFull(ref);
      if (row === null || row.status === 'revoked') {
        const { tenantId, provider } = ref;
        if (tokens.refreshToken !== null)
          await outbox.add({ tenantId, provider, recordId, token: tokens.refreshToken });
        return 'revoked';
      }
      // Another answer or a new log-in: to revoke this one would end that one as well, at many providers.
      if (row.id !== recordId || row.generation !== presented) return 'superseded';
      if (await this.store(answer, row.now)) return 'stored';
    }
    return null;
  }

  /** As the flight would have done it, whatever the status: an answer beats a guess. */
  private async store(answer: SpooledAnswer, now: number): Promise<boolean> {
    const { store, claims } = this.parts;
    const { ref, recordId: id, presented, tokens, quarantine, countedAt } = answer;
    const write = agedBy(answer.write, now - countedAt);
    return unlessShredded(() =>
      store.sealAndWrite({ id, tenantId: ref.tenantId }, tokens, (cells) =>
        claims.commit(id, presented, { ...cells, ...write }, quarantine),
      ),
    );
  }
}

import { KeyUnavailableError, TokenError } from '../common/errors.js';
import { randomFraction, randomId } from '../crypto/random.js';
import { now, sql } from '../database/sql.js';
import { lifetimeSeconds } from '../oauth/lifetime.js';
import { refreshInMs } from '../refresh/policy.js';
import { REFRESH_DEFAULTS } from '../refresh/refresh.options.js';
import type { FullTokenRow, SealedCells, TokenWrite } from '../store/token-rows.js';
import type { OpenedTokens } from '../store/token-store.js';
import type { DecodedRow } from './decode.js';
import { expiresInMs } from './expiry.js';
import { ImportError } from './import.error.js';
import { codeOf } from './row-failure.js';
import type { Outcome } from './report.js';
import type { TargetParts } from './target-parts.js';

/** Reasons that no other row would escape. */
const EVERYWHERE = new Set([
  'KEK_UNAVAILABLE',
  'KMS_TIMEOUT',
  'KMS_THROTTLED',
  'KEK_UNWRAP_FAILED',
  'KEY_CHECK_FAILED',
  'FENCED_WRITE',
]);

/** A row that is ready to be stored. */
export interface Storable extends Pick<DecodedRow, 'ref' | 'tokens'> {
  write: Omit<TokenWrite, keyof SealedCells>;
}

/** Tokenward's tables, where rows are added and none is changed. */
export class ImportTarget {
  #clock = { database: 0, monotonic: 0 };

  constructor(private readonly parts: TargetParts) {}

  /** @throws TokenConfigurationError without the tables · ImportError when the keys there do not open with this keyring */
  async check(): Promise<void> {
    await this.parts.database.assertTables();
    const fault = await this.parts.health.check();
    if (fault !== null)
      throw new ImportError('KEYS_UNUSABLE', `The data keys of the target do not open: ${fault}`);
  }

  /** Asks the database what time it is; what follows counts from there. @throws ImportError when it does not answer */
  async synchronize(): Promise<void> {
    try {
      const [row] = await this.parts.database.rows(sql`SELECT ${now} AS read_at`);
      this.#clock = { database: Number(row!['read_at']), monotonic: this.parts.clock.monotonic() };
    } catch (error) {
      throw new ImportError(
        'TARGET_UNAVAILABLE',
        `The target database does not answer (${codeOf(error) ?? (error as Error).name}). Run the import again: what is stored stays.`,
      );
    }
  }

  /** @throws TokenInputError for an expiry that cannot be right */
  prepare({ ref, tokens, expiresAt }: DecodedRow): Storable {
    const instant = this.#clock.database + (this.parts.clock.monotonic() - this.#clock.monotonic);
    const left = expiresInMs(expiresAt, tokens.accessToken, Math.round(instant));
    return {
      ref,
      tokens,
      write: {
        tokenType: tokens.tokenType,
        scope: tokens.scope,
        lifetimeSeconds: lifetimeSeconds(tokens, null, null),
        expiresInMs: left,
        // Of what has expired already, a refresh is due at once.
        refreshInMs: refreshInMs(left, REFRESH_DEFAULTS.beforeExpirySeconds, randomFraction()),
      },
    };
  }

  /** What `store` would do. Writes nothing. @throws TokenError when the row that is there cannot be opened */
  async rehearse({ ref, tokens }: Storable): Promise<Outcome> {
    const there = await this.parts.rows.findFull(ref);
    return there ? this.#compare(there, tokens) : 'imported';
  }

  /**
   * Adds the row, unless there is one for its `ref`: reads it back and opens it.
   * @throws TokenError, whatever the database throws: only this row is concerned · ImportError when all are
   */
  async store(row: Storable): Promise<Outcome> {
    try {
      return await this.#store(row);
    } catch (error) {
      if (error instanceof KeyUnavailableError && EVERYWHERE.has(error.reason))
        throw new ImportError(
          'KEYS_UNUSABLE',
          `The import has stopped: no usable encryption key (${error.reason}). Run it again: what is stored stays.`,
        );
      // Whether it was this row or the whole database shows when it is asked for something simple.
      if (!(error instanceof TokenError)) await this.synchronize();
      throw error;
    }
  }

  async #store({ ref, tokens, write }: Storable): Promise<Outcome> {
    const there = await this.parts.rows.findFull(ref);
    if (there) return this.#compare(there, tokens);
    const row = { tenantId: ref.tenantId, id: randomId() };
    const { rows, store } = this.parts;
    const added = await store.sealAndWrite(row, tokens, async (cells) => {
      // Nothing is written that does not open.
      if (!same(await store.openAll({ ...row, ...cells }), tokens)) throw unverified('sealed');
      return rows.insert(row.id, ref, { ...cells, ...write });
    });
    const back = await rows.findFull(ref);
    if (!back) throw unverified('stored, and is not there when it is read back:');
    const outcome = await this.#compare(back, tokens);
    if (!added) return outcome;
    // A later generation is the work of the application, which uses the row already.
    if (outcome === 'existsWithOtherTokens' && back.generation === 1) throw unverified('stored');
    return 'imported';
  }

  async #compare(row: FullTokenRow, tokens: OpenedTokens): Promise<'exists' | 'existsWithOtherTokens'> {
    return same(await this.parts.store.openAll(row), tokens) ? 'exists' : 'existsWithOtherTokens';
  }
}

const same = (a: OpenedTokens, b: OpenedTokens): boolean =>
  a.accessToken === b.accessToken &&
  a.refreshToken === b.refreshToken &&
  a.idToken === b.idToken &&
  a.dpopKey === b.dpopKey;

const unverified = (done: string): TokenError =>
  new TokenError(
    'VERIFY_FAILED',
    `The row was ${done} but does not hold what was imported. Look at the target's column types before you go on.`,
  );

import { z } from 'zod';
import { spoolDirectoryFault } from '../store/spool-directory.js';
import type { AfterRestore } from './hold.js';
import { LATE_CLAIMS_MS } from './shutdown-gate.js';

export interface RefreshOptions {
  /** How long before expiry a token is refreshed, at most a quarter of its lifetime. Default 60. */
  beforeExpirySeconds?: number;
  /** Refreshes due tokens in the background before anybody asks. */
  ahead?: false | RefreshAheadOptions;
  /** Time-out of one request to a provider, 1 to 300. Default 30. */
  timeoutSeconds?: number;
  /** After a refresh, a token that an API refuses is not refreshed again for this long. Default 10. */
  cooldownSeconds?: number;
  /**
   * Where answers of providers wait, sealed, while the database is away: a directory on a disk that outlives the process.
   * Made where it is missing. Default: none; a process that ends during an outage loses what it has not stored.
   */
  spoolDirectory?: string;
  /** How long a shutdown waits for exchanges in flight and for the database. 1 to 900. Default: `timeoutSeconds` + 5. */
  shutdownSeconds?: number;
  /** How a replica shows that it lives while it refreshes. Default `auto`: by a session lock where there is one. */
  liveness?: Liveness;
  /**
   * What becomes of refresh tokens that are older than a restored backup or a failover. `hold`: they are not presented
   * until somebody releases them or their users log in again. `present`: as if nothing had happened. Default `hold`.
   */
  afterRestore?: AfterRestore;
}

/** `lease`: by a heartbeat in the row. `session`: by a lock of a database connection, or not at all. */
export type Liveness = 'auto' | 'session' | 'lease';

export interface RefreshAheadOptions {
  /** Default: every 30 seconds. */
  cron?: string;
  /** Rows per run and replica. Default 100. */
  batchSize?: number;
}

export const REFRESH_DEFAULTS = {
  beforeExpirySeconds: 60,
  timeoutSeconds: 30,
  cooldownSeconds: 10,
  spoolDirectory: null as string | null,
  shutdownSeconds: null as number | null,
  liveness: 'auto' as Liveness,
  afterRestore: 'hold' as AfterRestore,
};
export const AHEAD_DEFAULTS = { cron: '*/30 * * * * *', batchSize: 100 };

export type ResolvedRefreshOptions = typeof REFRESH_DEFAULTS;

/** Longer than the time-out of an exchange, unless said otherwise. */
export const shutdownMs = ({ shutdownSeconds, timeoutSeconds }: ResolvedRefreshOptions): number =>
  shutdownSeconds === null ? timeoutSeconds * 1000 + LATE_CLAIMS_MS : shutdownSeconds * 1000;

export const refreshOptionsSchema = z.strictObject({
  beforeExpirySeconds: z
    .number()
    .min(1, 'must be at least 1')
    .max(86_400, 'must be at most 86400')
    .optional(),
  ahead: z
    .union([
      z.literal(false),
      z.strictObject({
        cron: z.string().optional(),
        batchSize: z.int().min(1, 'must be at least 1').max(10_000, 'must be at most 10000').optional(),
      }),
    ])
    .optional(),
  timeoutSeconds: z.number().min(1, 'must be at least 1').max(300, 'must be at most 300').optional(),
  cooldownSeconds: z.int().min(0, 'must be 0 or more').max(3600, 'must be at most 3600').optional(),
  spoolDirectory: z
    .string()
    .min(1, 'must be the path of a directory')
    .superRefine((path, context) => {
      const fault = path === '' ? null : spoolDirectoryFault(path);
      if (fault !== null) context.addIssue({ code: 'custom', message: fault });
    })
    .optional(),
  shutdownSeconds: z.number().min(1, 'must be at least 1').max(900, 'must be at most 900').optional(),
  afterRestore: z.enum(['hold', 'present'], 'must be "hold" or "present"').optional(),
  liveness: z.enum(['auto', 'session', 'lease'], 'must be "auto", "session" or "lease"').optional(),
});

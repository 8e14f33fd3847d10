import { z } from 'zod';

export interface RefreshOptions {
  /** How long before expiry a token is refreshed, at most a quarter of its lifetime. Default 60. */
  beforeExpirySeconds?: number;
  /** Refreshes due tokens in the background before anybody asks. */
  ahead?: false | RefreshAheadOptions;
  /** Time-out of one request to a provider, 1 to 300. Default 30. */
  timeoutSeconds?: number;
  /** After a refresh, a token that an API refuses is not refreshed again for this long. Default 10. */
  cooldownSeconds?: number;
  /** How a replica shows that it lives while it refreshes. Default `auto`: by a session lock where there is one. */
  liveness?: Liveness;
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
  liveness: 'auto' as Liveness,
};
export const AHEAD_DEFAULTS = { cron: '*/30 * * * * *', batchSize: 100 };

export type ResolvedRefreshOptions = typeof REFRESH_DEFAULTS;

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
  liveness: z.enum(['auto', 'session', 'lease'], 'must be "auto", "session" or "lease"').optional(),
});

import { z } from 'zod';

export interface CleanupOptions {
  /** Default: seventeen minutes past every hour. */
  cron?: string;
  /** How long revoked, expired and dead rows are kept. 0 to 3650. Default 30. */
  retentionDays?: number;
  /** Rows per statement, 1 to 10000. Default 1000. */
  batchSize?: number;
}

export const CLEANUP_DEFAULTS = { cron: '0 17 * * * *', retentionDays: 30, batchSize: 1000 };

export const cleanupOptionsSchema = z.union([
  z.literal(false),
  z.strictObject({
    cron: z.string().optional(),
    retentionDays: z.number().min(0, 'must be 0 or more').max(3650, 'must be at most 3650').optional(),
    batchSize: z.int().min(1, 'must be at least 1').max(10_000, 'must be at most 10000').optional(),
  }),
]);

import { z } from 'zod';

export interface CleanupOptions {
  /** Default: seventeen minutes past every hour. */
  cron?: string;
  /** How long revoked, expired and dead rows are kept. 0 to 3650. Default 30. */
  retentionDays?: number;
  /** Rows per statement, 1 to 10000. Default 1000. */
  batchSize?: number;
}

export interface RevocationOptions {
  /** When to try again what could not be revoked at its provider. Default: every 30 seconds. */
  cron?: string;
  /** A token that could not be revoked for so long is given up. 1 to 90. Default 7. */
  retryDays?: number;
}

export interface RotationOptions {
  /** When to look for keys that are too old, rows to move and keys to retire. Default: every minute. */
  cron?: string;
  /** An active data key that is older is replaced. 1 to 3650. Default 90. */
  dataKeyMaxAgeDays?: number;
  /** Rows that re-encryption reads at once, 1 to 2000; written with several statements where they are large. Default 50. */
  batchSize?: number;
  /** How long a retired key can be restored before it may be destroyed: as long as backups are kept. 0 to 36500. Default 90. */
  destroyAfterDays?: number;
}

export const CLEANUP_DEFAULTS = { cron: '0 17 * * * *', retentionDays: 30, batchSize: 1000 };
export const REVOCATION_DEFAULTS = { cron: '*/30 * * * * *', retryDays: 7 };
export const ROTATION_DEFAULTS = {
  cron: '30 * * * * *',
  dataKeyMaxAgeDays: 90,
  batchSize: 50,
  destroyAfterDays: 90,
};

const integer = (min: number, max: number) =>
  z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`).optional();

export const cleanupOptionsSchema = z.union([
  z.literal(false),
  z.strictObject({
    cron: z.string().optional(),
    retentionDays: z.number().min(0, 'must be 0 or more').max(3650, 'must be at most 3650').optional(),
    batchSize: integer(1, 10_000),
  }),
]);

export const revocationOptionsSchema = z.union([
  z.literal(false),
  z.strictObject({ cron: z.string().optional(), retryDays: integer(1, 90) }),
]);

export const rotationOptionsSchema = z.union([
  z.literal(false),
  z.strictObject({
    cron: z.string().optional(),
    dataKeyMaxAgeDays: integer(1, 3650),
    batchSize: integer(1, 2000),
    destroyAfterDays: integer(0, 36_500),
  }),
]);

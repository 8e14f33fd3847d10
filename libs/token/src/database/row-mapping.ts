import { lookupHash } from '../crypto/lookup-hash.js';
import type { ResolvedTokenRef, TokenStatus } from '../common/tokens.js';
import type { Circuit } from '../store/provider-states.js';
import type { FullTokenRow, ReadableTokenRow, TokenRow, TokenWrite } from '../store/token-rows.js';
import { type Fragment, fromNow, lineage, now, providers, sql, tokens } from './sql.js';
import { LINEAGE, toLineage } from './sql-lineage.js';

export const lookupOf = (ref: ResolvedTokenRef): string =>
  lookupHash(['token', ref.tenantId, ref.userId, ref.provider, ref.account]);

/** Columns of a `ReadableTokenRow`: few, because every request reads them. */
export const READABLE_ROW = sql`id, status, generation, token_type, scope, access_ct, dpop_ct,
  CASE WHEN refresh_ct IS NULL THEN 0 ELSE 1 END AS has_refresh_token,
  expires_at, lifetime_seconds, refresh_after, retry_after, last_failure, ${now} AS read_at`;

/** Columns of a `TokenRow`. */
export const ROW = sql`${READABLE_ROW}, tenant_id, user_id, provider, account,
  CASE WHEN id_ct IS NULL THEN 0 ELSE 1 END AS has_id_token,
  refreshed_at, created_at, updated_at, claim_id, claimed_at, claim_replica, unknown_since, failures`;

/** Columns of a `Circuit`; a provider without a row has never failed. */
export const CIRCUIT = sql`probe_after, CASE WHEN probe_id IS NULL THEN 0 ELSE 1 END AS probing, failed_rows, failed_probes, failed_as`;

/** Columns of a `FullTokenRow`. */
export const FULL_ROW = sql`${ROW}, refresh_ct, id_ct, ${CIRCUIT}, ${LINEAGE}`;

/** Where they are: no column of one table has the name of one of the other. */
export const FULL_ROWS = sql`${tokens} LEFT JOIN ${providers} ON name = provider LEFT JOIN ${lineage} ON only_one = 1`;

// Drivers hand out 64-bit integers as strings; epoch milliseconds fit a number.
const number = (value: unknown): number => Number(value);
const optionalNumber = (value: unknown): number | null => (value === null ? null : Number(value));
const optionalText = (value: unknown): string | null => value as string | null;

export function toReadableRow(row: Record<string, unknown>): ReadableTokenRow {
  return {
    id: row['id'] as string,
    status: row['status'] as TokenStatus,
    generation: number(row['generation']),
    tokenType: row['token_type'] as string,
    scope: optionalText(row['scope']),
    accessCt: optionalText(row['access_ct']),
    dpopCt: optionalText(row['dpop_ct']),
    hasRefreshToken: number(row['has_refresh_token']) === 1,
    expiresAt: optionalNumber(row['expires_at']),
    lifetimeSeconds: optionalNumber(row['lifetime_seconds']),
    refreshAfter: optionalNumber(row['refresh_after']),
    retryAfter: optionalNumber(row['retry_after']),
    lastFailure: optionalText(row['last_failure']),
    now: number(row['read_at']),
  };
}

export function toRow(row: Record<string, unknown>): TokenRow {
  return {
    ...toReadableRow(row),
    tenantId: row['tenant_id'] as string,
    userId: row['user_id'] as string,
    provider: row['provider'] as string,
    account: row['account'] as string,
    hasIdToken: number(row['has_id_token']) === 1,
    refreshedAt: number(row['refreshed_at']),
    createdAt: number(row['created_at']),
    updatedAt: number(row['updated_at']),
    claimId: optionalText(row['claim_id']),
    claimedAt: optionalNumber(row['claimed_at']),
    claimReplica: claimantOf(optionalText(row['claim_id']), optionalText(row['claim_replica'])),
    unknownSince: optionalNumber(row['unknown_since']),
    failures: number(row['failures']),
  };
}

export function toCircuit(row: Record<string, unknown>): Circuit {
  return {
    probeAfter: optionalNumber(row['probe_after']),
    probing: number(row['probing']) === 1,
    failedRows: number(row['failed_rows'] ?? 0),
    failedProbes: number(row['failed_probes'] ?? 0),
    failedAs: optionalText(row['failed_as']),
  };
}

export function toFullRow(row: Record<string, unknown>): FullTokenRow {
  return {
    ...toRow(row),
    refreshCt: optionalText(row['refresh_ct']),
    idCt: optionalText(row['id_ct']),
    circuit: toCircuit(row),
    lineage: toLineage(row),
  };
}

/** The claimant belongs to this claim alone: whoever does not know the column leaves it behind. */
export const claimReplicaOf = (claimId: string, claimant: string | null): string | null =>
  claimant === null ? null : `${claimId.slice(0, 8)} ${claimant}`;

function claimantOf(claimId: string | null, claimReplica: string | null): string | null {
  const [claim, claimant] = claimReplica?.split(' ') ?? [];
  return claimId !== null && claim === claimId.slice(0, 8) ? (claimant ?? null) : null;
}

/** SET list of a new token set. */
export function assignments(write: TokenWrite): Fragment {
  return sql`status = 'active', generation = generation + 1, token_type = ${write.tokenType}, scope = ${write.scope},
    quarantined_as = NULL, access_ct = ${write.accessCt}, refresh_ct = ${write.refreshCt}, id_ct = ${write.idCt}, dpop_ct = ${write.dpopCt}, lifetime_seconds = ${write.lifetimeSeconds},
    expires_at = ${fromNow(write.expiresInMs)}, refresh_after = ${fromNow(write.refreshInMs)}, refreshed_at = ${now}, updated_at = ${now}`;
}

/** A heartbeat moves claimed_at: whoever is alive keeps its claim. Its holder need not know when it has last beaten. */
export function heldBy(claimId: string | null, claimedAt: number | null): Fragment {
  if (claimId === null) return sql`claim_id IS NULL`;
  return claimedAt === null
    ? sql`claim_id = ${claimId}`
    : sql`claim_id = ${claimId} AND claimed_at = ${claimedAt}`;
}

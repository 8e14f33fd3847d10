import {
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  TokenNotFoundError,
} from '../common/errors.js';
import { IssuedAccessToken, type ResolvedTokenRef } from '../common/tokens.js';
import type { ProviderOptions } from '../oauth/provider.options.js';
import type { FullTokenRow } from '../store/token-rows.js';
import type { OpenedAccess } from '../store/token-store.js';
import { ask, type Flight } from './effects.js';
import { exchange } from './exchange.js';
import { HELD, isHeld } from './hold.js';
import { claimDecision, millisecondsLeft } from './policy.js';

export interface FlightSettings {
  ref: ResolvedTokenRef;
  provider: ProviderOptions;
  beforeExpirySeconds: number;
  /** Whether refresh tokens from before a restore are held. */
  holds: boolean;
}

/**
 * The whole way to a token newer than generation `seen`, for one row in one replica. Pure: it asks for effects and gets
 * answers, and has neither clock nor randomness nor I/O of its own, so that a simulation can run it through any order of
 * events. @throws TokenNotFoundError | ReauthorizationRequiredError | ProviderUnavailableError
 */
export function* newerThan(seen: number, settings: FlightSettings): Flight<IssuedAccessToken> {
  const { ref, provider, holds } = settings;
  for (;;) {
    const row = refreshable(yield* ask('read', undefined), ref);
    if (isUsable(row, seen)) {
      const opened = yield* ask('openAccess', row);
      if (opened !== null) return issuedFrom(row, opened);
    } else if (!row.lineage.known) yield* ask('recognize', undefined);
    else {
      assertPresentable(row, ref.provider);
      if (holds && isHeld(row)) yield* hold(row);
      const presence = row.claimReplica === null ? 'unknown' : yield* ask('presence', row);
      const decision = claimDecision(row, provider, presence);
      if (decision === 'reauthorize') yield* abandon(row);
      const issued = decision === 'claim' ? yield* exchange(row, settings) : null;
      if (issued !== null) return issued;
    }
    // Whatever has come in between, reading again at once may find it unchanged: no round without a pause.
    if (!(yield* ask('wait', undefined)))
      throw new ProviderUnavailableError(
        ref.provider,
        'another replica has been refreshing this token for too long',
        1,
      );
  }
}

function isUsable(row: FullTokenRow, seen: number): boolean {
  return (
    row.generation > seen &&
    row.accessCt !== null &&
    row.lastFailure !== 'response_invalid' &&
    (millisecondsLeft(row) ?? 1) > 0
  );
}

/** @throws ReauthorizationRequiredError | ProviderUnavailableError */
function assertPresentable(row: FullTokenRow, provider: string): void {
  if (row.refreshCt === null)
    throw new ReauthorizationRequiredError(
      provider,
      'the access token cannot be used any more and there is no refresh token',
    );
  if (row.retryAfter !== null && row.retryAfter > row.now)
    throw new ProviderUnavailableError(
      provider,
      row.lastFailure ?? 'backing off',
      Math.ceil((row.retryAfter - row.now) / 1000),
    );
}

/** The row stays as it is: an operator may know better, and let it be presented. @throws ReauthorizationRequiredError */
function* hold({ provider }: FullTokenRow): Flight<never> {
  yield* ask('report', { type: 'refresh_refused', provider, reason: HELD });
  throw new ReauthorizationRequiredError(provider, HELD);
}

/** A claimant has died with an unknown outcome that policy does not let anybody replay. */
function* abandon(row: FullTokenRow): Flight<void> {
  const reason = 'outcome_unknown';
  const failure = { failure: reason, retryInMs: 0, outcomeUnknown: true, reauthorize: true };
  if (yield* ask('giveUp', { held: row, failure }))
    yield* ask('report', {
      type: 'reauthorization_required',
      provider: row.provider,
      recordId: row.id,
      reason,
    });
}

/** @throws TokenNotFoundError | ReauthorizationRequiredError */
export function refreshable<Row extends { status: string; lastFailure: string | null }>(
  row: Row | null,
  ref: ResolvedTokenRef,
): Row {
  if (!row || row.status === 'revoked') throw new TokenNotFoundError(ref.provider);
  if (row.status === 'reauthorization_required')
    throw new ReauthorizationRequiredError(ref.provider, row.lastFailure ?? 'the grant is no longer valid');
  return row;
}

export function issuedFrom(
  row: Pick<FullTokenRow, 'expiresAt' | 'tokenType' | 'scope' | 'generation'>,
  { accessToken, dpopKey }: OpenedAccess,
): IssuedAccessToken {
  const expiresAt = row.expiresAt === null ? null : new Date(row.expiresAt);
  return new IssuedAccessToken(
    accessToken,
    { expiresAt, tokenType: row.tokenType, scope: row.scope },
    row.generation,
    dpopKey,
  );
}

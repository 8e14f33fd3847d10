import { ProviderUnavailableError, ReauthorizationRequiredError } from '../common/errors.js';
import type { RefreshOutcome } from '../common/events.js';
import { IssuedAccessToken } from '../common/tokens.js';
import type { ProviderOptions } from '../oauth/provider.options.js';
import type { Exchange } from '../oauth/refresh-grant.js';
import type { FullTokenRow } from '../store/token-rows.js';
import type { OpenedTokens } from '../store/token-store.js';
import { admitted, released } from './admission.js';
import { verdictOn } from './circuit.js';
import { ask, type Flight, type Presented } from './effects.js';
import { type Answer, judge } from './judgement.js';
import { backoffMs, mayReplay } from './policy.js';

type Failure = Exclude<Exchange, Answer>;

interface Settings {
  provider: ProviderOptions;
  beforeExpirySeconds: number;
}

/**
 * One presentation: claim, present, persist what came, then say what it was worth. Null when the row has to be read
 * again. @throws ReauthorizationRequiredError | ProviderUnavailableError
 */
export function* exchange(row: FullTokenRow, settings: Settings): Flight<IssuedAccessToken | null> {
  // Opened before the claim: a row that cannot be opened must not be claimed.
  const before = yield* ask('open', row);
  if (before === null) return null;
  const probeId = yield* admitted(row, settings.provider);
  const claimId = yield* ask('claim', row);
  const { dpopKey } = before;
  const presented =
    claimId === null
      ? null
      : yield* ask('present', { row, claimId, refreshToken: before.refreshToken!, dpopKey });
  if (claimId === null || presented === null) {
    yield* released(row, probeId);
    return null;
  }
  const { exchange: answer } = presented;
  if (answer.outcome === 'answered') return yield* accept(row, before, answer, presented, settings, probeId);
  yield* report(row, presented, answer.outcome, answer.reason);
  return yield* refuse(row, claimId, answer, presented, settings.provider, probeId);
}

function* accept(
  row: FullTokenRow,
  before: OpenedTokens,
  answer: Answer,
  presented: Presented,
  { provider, beforeExpirySeconds }: Settings,
  probeId: string | null,
): Flight<IssuedAccessToken | null> {
  const { elapsedMs, random } = presented;
  const { fault, tokens, write } = judge(answer, provider, row, before, {
    elapsedMs,
    beforeExpirySeconds,
    random,
  });
  const retryInMs = backoffMs(row.failures + 1, null, random);
  const quarantine = fault === null ? null : { failure: 'response_invalid', retryInMs };
  const stored = yield* ask('commit', { row, tokens, write, quarantine });
  const verdict = verdictOn(fault === null ? 'refreshed' : 'response_invalid', null, row, random);
  yield* ask('settle', { row, probeId, verdict });
  if (!stored) {
    yield* report(row, presented, 'superseded');
    if (tokens.refreshToken !== null && tokens.refreshToken !== before.refreshToken)
      yield* settle(row, tokens.refreshToken);
    return null;
  }
  if (fault !== null) {
    yield* report(row, presented, 'response_invalid', fault);
    throw new ProviderUnavailableError(row.provider, 'response_invalid', Math.ceil(retryInMs / 1000));
  }
  yield* report(row, presented, 'refreshed');
  const expiresAt = write.expiresInMs === null ? null : new Date(row.now + elapsedMs + write.expiresInMs);
  return new IssuedAccessToken(
    tokens.accessToken!,
    { ...write, expiresAt },
    row.generation + 1,
    tokens.dpopKey,
  );
}

/**
 * After a log-out, a refresh token that came back too late is revoked at the provider. Never after a new log-in: many
 * providers revoke the user's whole grant with it, and so the new log-in as well.
 */
function* settle(row: FullTokenRow, refreshToken: string): Flight<void> {
  const current = yield* ask('reread', undefined);
  if (current === null || current.status === 'revoked') yield* ask('discard', { row, refreshToken });
}

function* refuse(
  row: FullTokenRow,
  claimId: string,
  { outcome, reason, retryAfterSeconds }: Failure,
  { random }: Presented,
  provider: ProviderOptions,
  probeId: string | null,
): Flight<null> {
  const outcomeUnknown = outcome === 'outcome_unknown';
  const reauthorize = outcome === 'grant_rejected' || (outcomeUnknown && !mayReplay(provider, 0));
  const retryInMs = backoffMs(row.failures + 1, retryAfterSeconds, random);
  const held = { ...row, claimId, claimedAt: null };
  // While the access token is the one from before an answer that may not be used, nobody may take it for a newer one.
  const word = row.lastFailure === 'response_invalid' && !reauthorize ? row.lastFailure : outcome;
  const failure = { failure: word, retryInMs, outcomeUnknown, reauthorize };
  const failed = yield* ask('fail', { held, failure });
  const verdict = verdictOn(outcome, retryAfterSeconds, row, random);
  yield* ask('settle', { row, probeId, verdict });
  // False: the row has moved on, and what the provider says is about tokens that are not stored any more.
  if (!failed) return null;
  if (!reauthorize)
    throw new ProviderUnavailableError(row.provider, `${outcome}: ${reason}`, Math.ceil(retryInMs / 1000));
  yield* ask('report', {
    type: 'reauthorization_required',
    provider: row.provider,
    recordId: row.id,
    reason,
  });
  throw new ReauthorizationRequiredError(row.provider, reason);
}

function* report(
  { provider, id }: FullTokenRow,
  { elapsedMs }: Presented,
  outcome: RefreshOutcome,
  reason?: string,
): Flight<void> {
  yield* ask('report', {
    type: 'refresh',
    provider,
    recordId: id,
    outcome,
    ...(reason && { reason }),
    durationSeconds: elapsedMs / 1000,
  });
}

import { Subject } from 'rxjs';

/** How a refresh ended, in one word; the `outcome` label of the metrics. */
export type RefreshOutcome = (typeof REFRESH_OUTCOMES)[number];
export const REFRESH_OUTCOMES = [
  'refreshed',
  'grant_rejected',
  'client_rejected',
  'throttled',
  'unavailable',
  'outcome_unknown',
  'response_invalid',
  'superseded',
] as const;

/** How a token is got without a row of its own: for the application itself, or for a user's token. */
export type TokenGrant = 'client_credentials' | 'token_exchange';

/**
 * What became of a provider's answer that the database did not take at once: `written` to the spool, or the spool has
 * `failed`; later `stored`, `superseded` by a newer token set, or `revoked` since its session has ended. `lost`: the
 * process gave it up while neither had it.
 */
export type SpoolOutcome = (typeof SPOOL_OUTCOMES)[number];
export const SPOOL_OUTCOMES = ['written', 'failed', 'stored', 'superseded', 'revoked', 'lost'] as const;

/** Why a refresh was not tried. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];
export const REFUSAL_REASONS = ['circuit_open', 'rate_limited', 'held_after_restore'] as const;

/** How far a log-in has come, in one word; the `outcome` label of the metrics. Those after `logged_in_with_less` tell why it did not. */
export type AuthorizationOutcome =
  | 'started'
  | 'logged_in'
  | 'connected'
  /** Logged in; the tokens that cover more than the new ones were kept. */
  | 'logged_in_with_less'
  | 'declined'
  | 'expired'
  | 'refused'
  | 'unreachable'
  | 'anonymous'
  | 'other_account'
  | 'narrowed'
  | 'logged_out'
  | 'cross_site'
  | 'unknown_provider'
  | 'bad_request'
  | 'too_many'
  | 'busy'
  | 'shredded'
  | 'not_stored'
  | 'failed';

/** What has come of a provider's logout token. `failed`: it, or what it asks for, could not be checked or done now. */
export type LogoutTokenOutcome = 'accepted' | 'refused' | 'failed';

/** What happened inside the library: ids, outcomes and durations only, never a secret, a user or a tenant. */
export type TokenEvent =
  | { type: 'token_read'; source: 'cache' | 'database' | 'refresh' }
  | { type: 'token_stored'; provider: string; recordId: string; generation: number }
  | { type: 'token_revoked'; provider: string; recordId: string }
  | { type: 'revocation_done'; provider: string; recordId: string }
  | { type: 'revocation_postponed'; provider: string; recordId: string; reason: string }
  | { type: 'revocation_failed'; provider: string; recordId: string; reason: string }
  | {
      type: 'refresh';
      provider: string;
      recordId: string;
      outcome: RefreshOutcome;
      reason?: string;
      durationSeconds: number;
    }
  | {
      type: 'token_request';
      provider: string;
      grant: TokenGrant;
      outcome: 'issued' | Exclude<RefreshOutcome, 'refreshed' | 'superseded'>;
      reason?: string;
      durationSeconds: number;
    }
  | { type: 'authorization'; provider: string; outcome: AuthorizationOutcome; reason?: string }
  | {
      type: 'logout_token';
      provider: string;
      outcome: LogoutTokenOutcome;
      reason?: string;
      /** Sessions. */
      ended?: number;
    }
  | { type: 'refresh_refused'; provider: string; reason: RefusalReason }
  | { type: 'circuit_opened'; provider: string; reason: string; retryInSeconds: number }
  | { type: 'circuit_closed'; provider: string }
  | { type: 'reauthorization_required'; provider: string; recordId: string; reason: string }
  | { type: 'decryption_failed' | 'encryption_failed'; reason: string; recordId: string; field: string }
  | { type: 'keys_checked'; ready: boolean; reason: string | null }
  | { type: 'keyring_checked'; fault: string | null }
  | { type: 'data_key_changed'; keyId: string; to: string }
  | { type: 'rows_reencrypted'; keyId: string; rows: number; lagging: number }
  | { type: 'row_quarantined'; recordId: string; reason: string }
  | { type: 'write_fenced' }
  | { type: 'spool_missing' }
  | { type: 'spool_checked'; fault: string | null; waiting: number; unreadable: number }
  | { type: 'spool_file_unreadable'; file: string; reason: string }
  | { type: 'answer_spooled'; provider: string; recordId: string; outcome: SpoolOutcome }
  | { type: 'session_changed'; liveness: 'session' | 'lease' | 'none'; reason: string | null }
  | { type: 'restore_detected'; afterRestore: 'hold' | 'present' }
  | { type: 'lineage_checked'; heldBefore: number | null; blind: string | null }
  | { type: 'hold_released'; actor: string; tokens: number }
  | { type: 'session_started'; recordId: string }
  | { type: 'session_ended'; recordId: string; reason: string }
  | { type: 'host_session_kept'; recordId: string; reason: string }
  | { type: 'tenant_shredded'; keys: number; tokens: number }
  | { type: 'job_run'; job: string; outcome: 'succeeded' | 'failed'; processed: number; reason?: string };

/** The one stream that metrics, log and health listen to. */
export class TokenEvents {
  readonly #subject = new Subject<TokenEvent>();
  readonly stream = this.#subject.asObservable();

  emit(event: TokenEvent): void {
    this.#subject.next(event);
  }
}

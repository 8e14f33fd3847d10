import type { RefreshOutcome, TokenEvent } from '../common/events.js';

/** Names under which an event emitter of the host gets events: `@OnEvent(TOKEN_EVENT.refreshed)`. */
export const TOKEN_EVENT = {
  stored: 'tokenward.stored',
  refreshed: 'tokenward.refreshed',
  refreshFailed: 'tokenward.refresh_failed',
  reauthorizationRequired: 'tokenward.reauthorization_required',
  revoked: 'tokenward.revoked',
} as const;

/** Which stored token set it is about: `provider` as configured, `recordId` the `id` in `tokenward_tokens`. */
interface AboutRecord {
  provider: string;
  recordId: string;
}

/** What comes with each name: ids and outcomes, never a secret, a user or a tenant. */
export interface NamedTokenEvents {
  /** A log-in's token set was stored; `generation` counts the token sets of the record. */
  'tokenward.stored': AboutRecord & { generation: number };
  /** A new token set came from the provider and was stored. */
  'tokenward.refreshed': AboutRecord & { durationSeconds: number };
  /** The provider gave no usable token set. Whether the session has ended is told by `reauthorization_required` alone. */
  'tokenward.refresh_failed': AboutRecord & {
    outcome: Exclude<RefreshOutcome, 'refreshed' | 'superseded'>;
    /** The provider's error code, a status or the kind of a network error; null where none is known. */
    reason: string | null;
    durationSeconds: number;
  };
  /** Only a new log-in of the user can continue this session. */
  'tokenward.reauthorization_required': AboutRecord & { reason: string };
  /** The tokens are erased here; the provider hears of it at the same time or later. */
  'tokenward.revoked': AboutRecord;
}

export type TokenEventName = keyof NamedTokenEvents;

type Named = { [Name in TokenEventName]: [name: Name, payload: NamedTokenEvents[Name]] }[TokenEventName];

/** Name and payload of an event that hosts are told of; null for what metrics and log alone need. */
export function named(event: TokenEvent): Named | null {
  switch (event.type) {
    case 'token_stored': {
      const { provider, recordId, generation } = event;
      return [TOKEN_EVENT.stored, { provider, recordId, generation }];
    }
    case 'refresh': {
      const { provider, recordId, outcome, reason = null, durationSeconds } = event;
      // The answer was about tokens that are not stored any more: neither a success nor a failure.
      if (outcome === 'superseded') return null;
      return outcome === 'refreshed'
        ? [TOKEN_EVENT.refreshed, { provider, recordId, durationSeconds }]
        : [TOKEN_EVENT.refreshFailed, { provider, recordId, outcome, reason, durationSeconds }];
    }
    case 'reauthorization_required': {
      const { provider, recordId, reason } = event;
      return [TOKEN_EVENT.reauthorizationRequired, { provider, recordId, reason }];
    }
    case 'token_revoked': {
      const { provider, recordId } = event;
      return [TOKEN_EVENT.revoked, { provider, recordId }];
    }
    default:
      return null;
  }
}

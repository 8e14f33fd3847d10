import type { DataKeyState } from './data-key-rows.js';

interface Transition {
  from: DataKeyState;
  to: DataKeyState;
}

/**
 * The life of a data key (the names of the states follow NIST SP 800-57). Only `active` seals; `pending`, `active` and
 * `decrypt_only` open. Besides these, shredding a tenant takes its keys to `destroyed` from every state.
 */
export const TRANSITIONS = {
  create: { from: 'pending', to: 'active' },
  supersede: { from: 'active', to: 'decrypt_only' },
  retire: { from: 'decrypt_only', to: 'retired' },
  restore: { from: 'retired', to: 'decrypt_only' },
  destroy: { from: 'retired', to: 'destroyed' },
} as const satisfies Record<string, Transition>;

/** What data keys seal: stored tokens, or what the application gives to `EncryptionService`. */
export const PURPOSES = ['token', 'application'] as const;
export type Purpose = (typeof PURPOSES)[number];

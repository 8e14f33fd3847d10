import { counter, gauge, type Handlers } from './handlers.js';

/** How this replica stands to its database: the session that its claims rest on, and restores. */
export function replica(): Handlers {
  const sessionUp = gauge(
    'tokenward_replica_session_up',
    '1 while the claims of this replica rest on a session lock, 0 while they are leases or cannot be made.',
  );
  const restores = counter(
    'tokenward_restores_detected_total',
    'Times that this process has found a restored backup or a failover, for all replicas.',
  );
  const restoreBlind = gauge(
    'tokenward_restore_detection_blind',
    '1 while a restored backup or a failover would go unnoticed on this replica, else 0.',
  );
  return {
    session_changed: ({ liveness }) => sessionUp.set(liveness === 'session' ? 1 : 0),
    restore_detected: () => restores.inc(),
    lineage_checked: ({ blind }) => restoreBlind.set(blind === null ? 0 : 1),
  };
}

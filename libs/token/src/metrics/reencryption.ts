import { RECORD_FAULTS } from '../crypto/record.js';
import { counter, type Handlers } from './handlers.js';

/** Rows that move to another data key, and writes under one that was replaced. */
export function reencryption(): Handlers {
  const moved = counter(
    'tokenward_reencrypted_rows_total',
    'Rows that this process has moved to another data key.',
  );
  const lagging = counter(
    'tokenward_lagging_writes_total',
    'Rows that a replica has sealed under a data key after its rotation, found when they were moved.',
  );
  const quarantined = counter(
    'tokenward_quarantined_rows_total',
    'Rows that re-encryption could not open and has left as they are, by reason.',
    { reason: RECORD_FAULTS },
  );
  const fencedWrites = counter(
    'tokenward_fenced_writes_total',
    'Writes that the database has refused because their data key was retired; they were sealed again.',
  );
  return {
    rows_reencrypted(event) {
      moved.inc(event.rows);
      lagging.inc(event.lagging);
    },
    row_quarantined: ({ reason }) => quarantined.inc({ reason }),
    write_fenced: () => fencedWrites.inc(),
  };
}

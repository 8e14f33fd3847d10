import { RECORD_FAULTS } from '../crypto/record.js';
import { KEY_FAULTS } from '../keys/key-wrapper.js';
import { counter, gauge, type Handlers } from './handlers.js';

/** Keys, and what could not be sealed or opened with them. */
export function keys(): Handlers {
  const decryptionFailures = counter(
    'tokenward_decryption_failures_total',
    'Stored values that could not be opened, by reason.',
    { reason: [...RECORD_FAULTS, ...KEY_FAULTS] },
  );
  const encryptionFailures = counter(
    'tokenward_encryption_failures_total',
    'Tokens that could not be sealed and were not stored, by reason.',
    { reason: KEY_FAULTS },
  );
  const ready = gauge('tokenward_keys_ready', '1 while the keys in the database can be opened, else 0.');
  const degraded = gauge(
    'tokenward_keys_degraded',
    '1 while the key service does not answer and keys in memory go on serving, else 0.',
  );
  const keyringFault = gauge(
    'tokenward_keyring_fault',
    '1 while a key-encryption key of this replica cannot be used, or its keyring file cannot be read, else 0.',
  );
  const changes = counter('tokenward_data_key_changes_total', 'Changes of data keys, by new state.', {
    state: ['active', 'decrypt_only', 'retired', 'destroyed'],
  });
  return {
    decryption_failed: ({ reason }) => decryptionFailures.inc({ reason }),
    encryption_failed: ({ reason }) => encryptionFailures.inc({ reason }),
    keys_checked(event) {
      ready.set(event.ready ? 1 : 0);
      degraded.set(event.ready && event.reason !== null ? 1 : 0);
    },
    keyring_checked: ({ fault }) => keyringFault.set(fault === null ? 0 : 1),
    data_key_changed: ({ to }) => changes.inc({ state: to }),
    tenant_shredded: (event) => changes.inc({ state: 'destroyed' }, event.keys),
  };
}

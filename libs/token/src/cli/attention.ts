import type { KekStatus, KeyStatus } from '../key.service.types.js';
import { count } from './format.js';

/** What only a person can put right, each with what to do. Empty: all is well. */
export function attention({ keks, reencryption }: KeyStatus): string[] {
  const { quarantinedRows } = reencryption;
  return [
    ...keks.filter(({ dataKeys }) => dataKeys > 0).flatMap(kekFaults),
    ...(quarantinedRows > 0
      ? [
          `${count(quarantinedRows, 'row')} cannot be opened and ${quarantinedRows === 1 ? 'was' : 'were'} left as found: the log of the job names the reasons. A key that they are under cannot be retired.`,
        ]
      : []),
  ];
}

function kekFaults({ id, dataKeys, usable, missingOn }: KekStatus): string[] {
  const faults: string[] = [];
  if (!usable)
    faults.push(
      `Key-encryption key "${id}" wraps ${count(dataKeys, 'data key')} and cannot be opened here: give the configuration the keyring that holds it.`,
    );
  if (missingOn.length > 0)
    faults.push(
      `${count(missingOn.length, 'replica')} cannot open what "${id}" wraps: give the keyring with it to ${missingOn.join(', ')}.`,
    );
  return faults;
}

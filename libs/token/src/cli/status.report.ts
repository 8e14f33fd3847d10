import type { DataKeyStatus, KeyStatus, ReplicaStatus } from '../key.service.types.js';
import type { DataKeyState } from '../keys/data-key-rows.js';
import { attention } from './attention.js';
import { count, instant, number, section, table } from './format.js';

const STATES: DataKeyState[] = ['pending', 'active', 'decrypt_only', 'retired', 'destroyed'];

/** The whole state of the keys, for a person. `all`: every data key, not only those in change. */
export function statusReport(status: KeyStatus, all: boolean): string {
  return [
    `Keys at ${instant(status.now)}`,
    section('Data keys by state', states(status)),
    section(all ? 'Data keys' : 'Data keys in change', dataKeys(status, all)),
    section('Key-encryption keys', keks(status)),
    section('Replicas', replicas(status)),
    section('Re-encryption', reencryption(status)),
    verdict(status),
  ].join('\n\n');
}

const states = ({ states: counts }: KeyStatus): string =>
  table(STATES, [STATES.map((state) => counts[state])]);

function dataKeys(status: KeyStatus, all: boolean): string {
  const shown = inOrder(status.dataKeys).filter((key) => all || inChange(key));
  return shown.length === 0 ? 'none' : dataKeyTable(shown);
}

/** Tombstones stay for ever and are no news. */
const inChange = ({ state, quarantinedRows }: DataKeyStatus): boolean =>
  (state !== 'active' && state !== 'destroyed') || quarantinedRows > 0;

/** By state, then tenant, then age, so that the same keys stand in the same order every time. */
export const inOrder = (keys: readonly DataKeyStatus[]): DataKeyStatus[] =>
  keys.toSorted(
    (a, b) =>
      STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
      compare(a.tenantId, b.tenantId) ||
      compare(a.purpose, b.purpose) ||
      a.createdAt.getTime() - b.createdAt.getTime() ||
      compare(a.id, b.id),
  );

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

export const dataKeyTable = (keys: readonly DataKeyStatus[]): string =>
  table(
    ['ID', 'TENANT', 'PURPOSE', 'STATE', 'ROWS', 'SINCE'],
    keys.map(({ id, tenantId, purpose, state, rows, stateChangedAt }) => [
      id,
      tenantId,
      purpose,
      state,
      rows,
      instant(stateChangedAt),
    ]),
  );

/** The oldest first. */
const inOrderOfStart = ({ replicas: all }: KeyStatus): ReplicaStatus[] =>
  all.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || compare(a.id, b.id));

function keks(status: KeyStatus): string {
  const order = inOrderOfStart(status).map(({ id }) => id);
  const listed = (ids: readonly string[]): string =>
    ids.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)).join(' ') || '-';
  return status.keks.length === 0
    ? 'none in use'
    : table(
        ['ID', 'DATA KEYS', 'OPENS HERE', 'MISSING ON'],
        status.keks.map(({ id, dataKeys: wrapped, usable, missingOn }) => [
          id,
          wrapped,
          usable ? 'yes' : 'NO',
          listed(missingOn),
        ]),
      );
}

const replicas = (status: KeyStatus): string =>
  status.replicas.length === 0
    ? 'none seen in the last 30 seconds'
    : table(
        ['ID', 'STARTED', 'LAST SEEN', 'KEY-ENCRYPTION KEYS'],
        inOrderOfStart(status).map(({ id, startedAt, seenAt, kekIds }) => [
          id,
          instant(startedAt),
          instant(seenAt),
          kekIds.join(' ') || 'none',
        ]),
      );

function reencryption({ reencryption: progress }: KeyStatus): string {
  const { rowsLeft, quarantinedRows, rowsPerSecond, estimatedEnd } = progress;
  const quarantined = quarantinedRows > 0 ? `\n${count(quarantinedRows, 'row')} quarantined` : '';
  if (rowsLeft === 0) return `no row left under an old key${quarantined}`;
  const running =
    rowsPerSecond === null
      ? 'not running: the job of the application takes it up, or `tokenward keys reencrypt`'
      : `${number(rowsPerSecond)} rows/s${estimatedEnd ? `, done at about ${instant(estimatedEnd)}` : ''}`;
  return `${count(rowsLeft, 'row')} left under old keys\n${running}${quarantined}`;
}

function verdict(status: KeyStatus): string {
  const faults = attention(status);
  return faults.length === 0
    ? 'All is well.'
    : `NEEDS ATTENTION\n${faults.map((fault) => `- ${fault}`).join('\n')}`;
}

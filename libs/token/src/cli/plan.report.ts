import type { DataKeyStatus, KeyPlan } from '../key.service.types.js';
import { count, section } from './format.js';
import { dataKeyTable, inOrder } from './status.report.js';

/** So many keys are listed; below them stands how many there are beyond. */
const LISTED = 20;

export function planReport({ counts, rotate, rows, retire, destroy, rewrap }: KeyPlan): string {
  return [
    section(
      `tokenward keys rotate would replace ${count(counts.rotate, 'active data key')} and seal ${count(rows, 'token set')} again`,
      listed(rotate, counts.rotate),
    ),
    section(
      `tokenward keys retire --all-empty would retire ${count(counts.retire, 'data key')}`,
      listed(retire, counts.retire),
    ),
    section(
      `tokenward keys destroy may be run for ${count(counts.destroy, 'data key')}`,
      listed(destroy, counts.destroy),
    ),
    section('tokenward keys kek rotate', rewrapText(rewrap)),
    'Nothing was written.',
  ].join('\n\n');
}

export const rewrapText = ({ dataKeys, kekId, refusedBecause }: KeyPlan['rewrap']): string =>
  refusedBecause === null
    ? `would wrap ${count(dataKeys, 'data key')} anew under "${kekId}"; no token set is touched`
    : `would be refused: ${refusedBecause}`;

/** `total`: how many there are, where a plan names only a part of them. */
export function listed(keys: readonly DataKeyStatus[], total: number): string {
  if (keys.length === 0) return 'none';
  const more = total - LISTED;
  return (
    dataKeyTable(inOrder(keys).slice(0, LISTED)) + (more > 0 ? `\nand ${count(more, 'more', 'more')}` : '')
  );
}

import type { DataKeyStatus, KeyPlan } from '../key.service.types.js';
import { count, section } from './format.js';
import { dataKeyTable, inOrder } from './status.report.js';

/** At most so many keys are listed; the numbers above the list count all of them. */
const LISTED = 20;

export function planReport({ rotate, rows, retire, destroy, rewrap }: KeyPlan): string {
  return [
    section(
      `tokenward keys rotate would replace ${count(rotate.length, 'active data key')} and seal ${count(rows, 'token set')} again`,
      listed(rotate),
    ),
    section(
      `tokenward keys retire --all-empty would retire ${count(retire.length, 'data key')}`,
      listed(retire),
    ),
    section(`tokenward keys destroy may be run for ${count(destroy.length, 'data key')}`, listed(destroy)),
    section('tokenward keys kek rotate', rewrapText(rewrap)),
    'Nothing was written.',
  ].join('\n\n');
}

export const rewrapText = ({ dataKeys, kekId, refusedBecause }: KeyPlan['rewrap']): string =>
  refusedBecause === null
    ? `would wrap ${count(dataKeys, 'data key')} anew under "${kekId}"; no token set is touched`
    : `would be refused: ${refusedBecause}`;

export function listed(keys: readonly DataKeyStatus[]): string {
  if (keys.length === 0) return 'none';
  const more = keys.length - LISTED;
  return (
    dataKeyTable(inOrder(keys).slice(0, LISTED)) + (more > 0 ? `\nand ${count(more, 'more', 'more')}` : '')
  );
}

import type { KeyService } from '../key.service.js';
import type { DataKeyStatus } from '../key.service.types.js';
import { count, instant, section } from './format.js';
import { dataKeyTable } from './status.report.js';

/** What is known about a key before it is changed; null when it is not among the keys that the status lists. */
export async function findKey(
  keys: Pick<KeyService, 'status'>,
  id: string,
): Promise<(DataKeyStatus & { now: Date }) | null> {
  const { dataKeys, now } = await keys.status();
  const found = dataKeys.find((key) => key.id === id);
  return found ? { ...found, now } : null;
}

/** The headline with the key below it. */
export const aboutKey = (headline: string, key: DataKeyStatus | null, id: string): string =>
  section(headline, key ? `${dataKeyTable([key])}${remarks(key)}` : `data key ${id}`);

function remarks({ purpose, quarantinedRows, pendingRevocations, destroyAfter }: DataKeyStatus): string {
  return [
    purpose === 'application'
      ? '\nIt seals values of the application: only the application knows which, and whether any are left.'
      : '',
    quarantinedRows > 0 ? `\n${count(quarantinedRows, 'row')} under it cannot be opened.` : '',
    pendingRevocations > 0
      ? `\n${count(pendingRevocations, 'token')} under it ${pendingRevocations === 1 ? 'waits' : 'wait'} for revocation at the provider.`
      : '',
    destroyAfter ? `\nIt may be destroyed from ${instant(destroyAfter)} on.` : '',
  ].join('');
}

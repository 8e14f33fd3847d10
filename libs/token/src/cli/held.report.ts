import type { Lineage, LineageState } from '../store/lineage.js';
import { instant, table } from './format.js';

export interface Held extends LineageState {
  /** Token sets by provider. */
  tokens: Record<string, number>;
}

/** What a provider does with its refresh tokens is in the options of the application: here all of them count. */
export async function heldIn(lineage: Lineage): Promise<Held> {
  return { ...(await lineage.look()), tokens: await lineage.countHeld() };
}

/** Somebody has to decide, or to start a replica. */
export const needsAttention = (held: Held): boolean => !held.known || total(held) > 0;

export const total = ({ tokens }: Held): number => Object.values(tokens).reduce((sum, one) => sum + one, 0);

export function heldReport(held: Held): string {
  const { known, heldBefore, blind, tokens } = held;
  if (!known)
    return 'This is not the database of before, and no replica has started on it yet: all that it has brought along will be held.';
  if (heldBefore === null)
    return blind === null
      ? 'Nothing is held.'
      : `Nothing is held; a restored backup or a failover would go unnoticed here: ${blind}.`;
  const since = `Refresh tokens from before ${instant(new Date(heldBefore))} are held.`;
  const rows = Object.entries(tokens);
  return rows.length === 0
    ? `${since} None is left.`
    : `${since}\n${table(['PROVIDER', 'TOKEN SETS'], rows)}\nThose of providers that never replace a refresh token are refreshed all the same, and with afterRestore "present" all are.`;
}

import { runInNewContext } from 'node:vm';
import { Attacker } from './attacker.js';

/** What `attacks.js` has. */
export const attackNames = runInNewContext(
  `${Attacker.script};
  ({ sends: Object.keys(attacks.sends), reads: Object.keys(attacks.reads) })`,
  { URLSearchParams },
) as { sends: string[]; reads: string[] };

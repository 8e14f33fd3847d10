import { SPOOL_OUTCOMES } from '../common/events.js';
import { counter, gauge, type Handlers } from './handlers.js';

export function spool(providers: readonly string[]): Handlers {
  const entries = gauge(
    'tokenward_spool_entries',
    'Files in the spool directory of this replica, by state; at most 5 seconds old.',
    ['state'],
  );
  const spoolFault = gauge(
    'tokenward_spool_fault',
    '1 while the spool directory of this replica cannot be written to, else 0.',
  );
  const answers = counter(
    'tokenward_spooled_answers_total',
    'Answers of providers that the database did not take at once, by what became of them.',
    { provider: providers, outcome: SPOOL_OUTCOMES },
  );
  return {
    spool_checked({ fault, waiting, unreadable }) {
      spoolFault.set(fault === null ? 0 : 1);
      entries.set({ state: 'waiting' }, waiting);
      entries.set({ state: 'unreadable' }, unreadable);
    },
    answer_spooled: ({ provider, outcome }) => answers.inc({ provider, outcome }),
  };
}

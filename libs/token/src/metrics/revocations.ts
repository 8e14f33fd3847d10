import { counter, type Handlers } from './handlers.js';

export function revocations(providers: readonly string[]): Handlers {
  const failures = counter(
    'tokenward_revocation_failures_total',
    'Tokens that were erased here but not revoked at the provider.',
    { provider: providers },
  );
  const tries = counter(
    'tokenward_revocations_total',
    'Tries to revoke a token at its provider, by outcome.',
    { provider: providers, outcome: ['revoked', 'postponed', 'given_up'] },
  );
  return {
    revocation_done: ({ provider }) => tries.inc({ provider, outcome: 'revoked' }),
    revocation_postponed: ({ provider }) => tries.inc({ provider, outcome: 'postponed' }),
    revocation_failed({ provider }) {
      failures.inc({ provider });
      tries.inc({ provider, outcome: 'given_up' });
    },
  };
}

import { counter, type Handlers, LATER } from './handlers.js';

export function issuedTokens(): Handlers {
  const reads = counter(
    'tokenward_token_reads_total',
    'Access tokens handed out, by source: cache, database or refresh.',
    { source: ['cache', 'database', 'refresh'] },
  );
  const requests = counter(
    'tokenward_token_requests_total',
    'Requests for client tokens and token exchanges by provider, grant and outcome.',
    { provider: LATER, grant: LATER, outcome: LATER },
  );
  return {
    token_read: ({ source }) => reads.inc({ source }),
    token_request: ({ provider, grant, outcome }) => requests.inc({ provider, grant, outcome }),
  };
}

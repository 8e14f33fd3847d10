import { counter, type Handlers } from './handlers.js';

export function issuedTokens(): Handlers {
  const reads = counter(
    'tokenward_token_reads_total',
    'Access tokens handed out, by source: cache, database or refresh.',
    ['source'],
  );
  const requests = counter(
    'tokenward_token_requests_total',
    'Requests for client tokens and token exchanges by provider, grant and outcome.',
    ['provider', 'grant', 'outcome'],
  );
  return {
    token_read: ({ source }) => reads.inc({ source }),
    token_request: ({ provider, grant, outcome }) => requests.inc({ provider, grant, outcome }),
  };
}

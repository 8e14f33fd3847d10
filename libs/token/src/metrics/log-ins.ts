import { counter, type Handlers, LATER } from './handlers.js';

/** Log-ins, and the sessions of users that they begin. */
export function logIns(): Handlers {
  const authorizations = counter(
    'tokenward_authorizations_total',
    'Log-ins and connections by provider and outcome: started, logged_in, connected, or why not.',
    { provider: LATER, outcome: LATER },
  );
  const logoutTokens = counter(
    'tokenward_logout_tokens_total',
    'Logout tokens of providers by outcome: accepted, refused or failed.',
    { outcome: ['accepted', 'refused', 'failed'] },
  );
  const started = counter(
    'tokenward_sessions_started_total',
    'Sessions of users that this process has started or tied.',
  );
  const ended = counter(
    'tokenward_sessions_ended_total',
    'Sessions of users that this process has ended, by reason.',
    { reason: LATER },
  );
  const hostSessionsKept = counter(
    'tokenward_host_sessions_kept_total',
    'Tries of the application to destroy a session of its own that have failed; each is repeated for a day.',
  );
  return {
    authorization: ({ provider, outcome }) => authorizations.inc({ provider, outcome }),
    logout_token: ({ outcome }) => logoutTokens.inc({ outcome }),
    session_started: () => started.inc(),
    session_ended: ({ reason }) => ended.inc({ reason }),
    host_session_kept: () => hostSessionsKept.inc(),
  };
}

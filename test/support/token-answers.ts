export const TOKENS = {
  access_token: 'second',
  token_type: 'bearer',
  expires_in: 3600,
  refresh_token: 'rotated',
};
export const PAGE = '<!doctype html><title>Maintenance</title>';

/** What a token endpoint may answer with, whatever the status. */
export const BODIES = {
  tokens: JSON.stringify(TOKENS),
  invalid_grant: JSON.stringify({ error: 'invalid_grant' }),
  invalid_client: JSON.stringify({ error: 'invalid_client' }),
  'a web page': PAGE,
};
const expected: Record<number, Record<keyof typeof BODIES, string>> = {
  200: {
    tokens: 'refreshed',
    invalid_grant: 'grant_rejected',
    invalid_client: 'client_rejected',
    'a web page': 'unavailable',
  },
  400: {
    tokens: 'client_rejected',
    invalid_grant: 'grant_rejected',
    invalid_client: 'client_rejected',
    'a web page': 'client_rejected',
  },
  403: {
    tokens: 'client_rejected',
    invalid_grant: 'grant_rejected',
    invalid_client: 'client_rejected',
    'a web page': 'client_rejected',
  },
  429: {
    tokens: 'throttled',
    invalid_grant: 'throttled',
    invalid_client: 'throttled',
    'a web page': 'throttled',
  },
  500: {
    tokens: 'unavailable',
    invalid_grant: 'unavailable',
    invalid_client: 'unavailable',
    'a web page': 'unavailable',
  },
};
/** Status, body, content type, and the outcome that this has. */
export const TOKEN_ANSWERS = Object.entries(expected).flatMap(([status, outcomes]) =>
  Object.entries(outcomes).flatMap(([body, outcome]) =>
    ['application/json', 'text/html; charset=utf-8', 'text/plain'].map(
      (contentType) => [Number(status), body as keyof typeof BODIES, contentType, outcome] as const,
    ),
  ),
);

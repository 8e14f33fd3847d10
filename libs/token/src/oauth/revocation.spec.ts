import { describe, expect, it } from 'vitest';
import { judgeRevocation } from './revocation.js';

const judge = (status: number, body: unknown = '', retryAfterSeconds: number | null = null) =>
  judgeRevocation({
    status,
    contentType: 'application/json',
    retryAfterSeconds,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('the answer to a revocation', () => {
  it.each([
    [200, ''],
    [200, '<html>'],
    [200, { error: 'invalid_request' }],
    [204, ''],
    [400, { error: 'invalid_token' }],
  ])('%s %j means done', (status, body) => {
    expect(judge(status, body)).toEqual({ outcome: 'revoked' });
  });

  it.each(['unsupported_token_type', 'invalid_grant'])('%s is final', (error) => {
    expect(judge(400, { error })).toEqual({ outcome: 'refused', reason: error });
  });

  it.each([
    [401, '', 'status 401'],
    [403, '', 'status 403'],
    [400, { error: 'invalid_client' }, 'invalid_client'],
    [400, { error: 'unauthorized_client' }, 'unauthorized_client'],
  ])('%s %j is about the client', (status, body, reason) => {
    expect(judge(status, body)).toEqual({ outcome: 'client_rejected', reason });
  });

  it.each([429, 502, 503, 504])(
    '%s is about the provider as a whole, with its wish for patience',
    (status) => {
      expect(judge(status, '', 7)).toEqual({
        outcome: 'failed',
        reason: `status ${status}`,
        retryAfterSeconds: 7,
        providerDown: true,
      });
    },
  );

  it.each([
    [500, '', 'status 500'],
    [302, '', 'status 302'],
    [404, '<html>', 'status 404'],
    [400, { error: 'invalid_request' }, 'invalid_request'],
    [400, { error: 'a secret: eyJ…' }, 'status 400'],
    [400, 'null', 'status 400'],
  ])('%s %j may be about this token alone', (status, body, reason) => {
    expect(judge(status, body)).toEqual({
      outcome: 'failed',
      reason,
      retryAfterSeconds: null,
      providerDown: false,
    });
  });
});

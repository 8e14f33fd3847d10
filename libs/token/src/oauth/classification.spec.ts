import { describe, expect, it } from 'vitest';
import { classify, classifyNetworkError } from './classification.js';

const reply = (status: number, body: unknown, contentType = 'application/json') =>
  classify({
    status,
    contentType,
    retryAfterSeconds: null,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }).outcome;

describe('an answer of the token endpoint', () => {
  it.each([
    [200, { access_token: 'a' }, 'answered'],
    [201, { access_token: 'a' }, 'answered'],
    [400, { error: 'invalid_grant' }, 'grant_rejected'],
    [401, { error: 'invalid_grant' }, 'grant_rejected'],
    [200, { error: 'invalid_grant' }, 'grant_rejected'],
    [400, { error: 'invalid_client' }, 'client_rejected'],
    [401, { error: 'invalid_client' }, 'client_rejected'],
    [400, { error: 'unauthorized_client' }, 'client_rejected'],
    [400, { error: 'invalid_request' }, 'client_rejected'],
    [400, { error: 'something_new' }, 'client_rejected'],
    [400, { error: 'temporarily_unavailable' }, 'unavailable'],
    [401, '', 'client_rejected'],
    [403, '<html>', 'client_rejected'],
    [404, 'not found', 'client_rejected'],
    [400, {}, 'client_rejected'],
    [302, '', 'unavailable'],
    [429, '', 'throttled'],
    [429, { error: 'invalid_grant' }, 'throttled'],
    [503, '', 'throttled'],
    [500, { error: 'invalid_grant' }, 'unavailable'],
    [500, '', 'unavailable'],
    [502, '<html>', 'unavailable'],
    [200, '', 'outcome_unknown'],
    [200, '{"access_token":"a', 'outcome_unknown'],
    [200, '[]', 'outcome_unknown'],
    [200, 'null', 'outcome_unknown'],
  ])('with status %i and body %j means %s', (status, body, outcome) => {
    expect(reply(status, body)).toBe(outcome);
  });

  it('that is a web page with status 200 is an outage, not a lost token', () => {
    expect(reply(200, '<!doctype html><p>maintenance</p>', 'text/html; charset=utf-8')).toBe('unavailable');
  });

  it("does not bring a stranger's text into logs", () => {
    expect(
      classify({
        status: 400,
        contentType: '',
        retryAfterSeconds: null,
        body: JSON.stringify({ error: 'x\nfake log line' }),
      }),
    ).toMatchObject({ reason: 'unknown error code' });
  });
});

describe('a request without an answer', () => {
  const failed = (cause: unknown) => classifyNetworkError(new TypeError('fetch failed', { cause })).outcome;
  const withCode = (code: string) => Object.assign(new Error(code), { code });

  it.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'UND_ERR_CONNECT_TIMEOUT',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'CERT_HAS_EXPIRED',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'HOSTNAME_MISMATCH',
    'INVALID_CA',
  ])('was never sent with %s', (code) => expect(failed(withCode(code))).toBe('unavailable'));

  const connecting = (code: string) => Object.assign(withCode(code), { syscall: 'connect' });
  const tried = (...errors: Error[]) =>
    Object.assign(new AggregateError(errors), { code: (errors[0] as { code?: string }).code });

  it('was never sent where no connection was made, to whichever address', () => {
    expect(failed(connecting('ETIMEDOUT'))).toBe('unavailable');
    expect(failed(tried(connecting('ETIMEDOUT'), connecting('EHOSTUNREACH')))).toBe('unavailable');
    expect(failed(tried(connecting('EADDRNOTAVAIL'), withCode('ECONNREFUSED')))).toBe('unavailable');
  });

  it('may have been processed where one address may have got it', () => {
    expect(failed(tried(connecting('ECONNREFUSED'), withCode('ECONNRESET')))).toBe('outcome_unknown');
    expect(failed(withCode('ETIMEDOUT'))).toBe('outcome_unknown');
    expect(failed(undefined)).toBe('outcome_unknown');
  });

  it.each(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', 'UND_ERR_HEADERS_TIMEOUT', 'SOMETHING_NEW'])(
    'may have been processed with %s',
    (code) => expect(failed(withCode(code))).toBe('outcome_unknown'),
  );
});

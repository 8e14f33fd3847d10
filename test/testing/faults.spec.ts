import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  type AuthorizationServer,
  Faults,
  hashOf,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenClient } from '../support/token-client.js';

describe('A fault of the token endpoint', () => {
  let server: AuthorizationServer;
  let client: TokenClient;
  let token: string;

  beforeEach(async () => {
    server = await startAuthorizationServer({ mode: 'strict' });
    const { clientId, clientSecret } = server.provider;
    client = new TokenClient({ issuer: server.issuer, clientId, clientSecret: String(clientSecret) });
    token = (await server.mint('ada')).refresh_token;
  });
  afterEach(() => server.stop());

  const form = () => ({ grant_type: 'refresh_token', refresh_token: token });
  const send = (signal?: AbortSignal) => client.send('/token', form(), undefined, signal);
  const outcomes = () => server.oracle.requests.map(({ outcome }) => outcome);
  /** The refresh token is as good as before: the server has not seen it. */
  const expectUntouched = async () => {
    expect(server.oracle.aliveRefreshTokens()).toEqual([token]);
    expect((await client.refresh(token)).status).toBe(200);
    expect(server.oracle.reuses).toBe(0);
  };

  it.each<[string, (faults: Faults) => void, number, string | null, RegExp]>([
    ['a web page', (faults) => faults.html(), 200, 'text/html; charset=utf-8', /^<!doctype html>/],
    ['an empty body', (faults) => faults.empty(), 200, 'application/json', /^$/],
    [
      'JSON that ends in the middle',
      (faults) => faults.invalidJson(),
      200,
      'application/json',
      /^{"acc.*[^}]$/,
    ],
    ['JSON of wrong types', (faults) => faults.wrongTypes(), 200, 'application/json', /"access_token":42/],
    [
      'an answer of your own',
      (faults) => faults.fail(418, {}, { error: 'tea' }),
      418,
      'application/json',
      /tea/,
    ],
  ])('is %s, and the refresh token stays good', async (_what, fault, status, type, body) => {
    fault(server.faults);
    const answer = await send();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, type]);
    expect(body.test(await answer.text())).toBe(true);
    await expectUntouched();
  });

  it('is a body of 10 MiB', async () => {
    server.faults.oversized();
    const body = await (await send()).text();
    expect(body).toHaveLength(10_485_760);
    expect(JSON.parse(body)).toEqual({ access_token: expect.stringMatching(/^x/) });
    await expectUntouched();
  });

  it('is a redirect', async () => {
    server.faults.redirect('http://127.0.0.1:9/');
    const answer = await send();
    expect([answer.status, answer.headers.get('location')]).toEqual([307, 'http://127.0.0.1:9/']);
    await expectUntouched();
  });

  it('is a burst of refusals that say when to come back', async () => {
    server.faults.throttle(429, 7, 2);
    server.faults.throttle(503, 30);
    expect(server.faults.pending).toBe(3);
    const answers = [await send(), await send(), await send()];
    expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [429, '7'],
      [429, '7'],
      [503, '30'],
    ]);
    expect(outcomes()).toEqual(['fail 429', 'fail 429', 'fail 503']);
    await expectUntouched();
  });

  it('is a body that never ends, until the client has enough', async () => {
    server.faults.endless();
    const enough = new AbortController();
    const answer = await send(enough.signal);
    expect(answer.status).toBe(200);
    const reader = answer.body!.getReader();
    await reader.read();
    await reader.read();
    enough.abort();
    await expect(reader.read()).rejects.toThrow('abort');
    await expectUntouched();
  });

  it('is silence, until the client has enough', async () => {
    server.faults.hang();
    const enough = new AbortController();
    const pending = send(enough.signal);
    await expect.poll(outcomes).toEqual(['hang']);
    enough.abort();
    await expect(pending).rejects.toThrow('abort');
    await expectUntouched();
  });

  it('is silence, until the server is stopped', async () => {
    server.faults.hang();
    const pending = send();
    await expect.poll(outcomes).toEqual(['hang']);
    await Promise.all([expect(pending).rejects.toThrow('fetch failed'), server.stop()]);
    server = await startAuthorizationServer({ mode: 'strict' });
  });

  it('is a request that gets lost', async () => {
    server.faults.dropRequest();
    await expect(send()).rejects.toThrow('fetch failed');
    expect(outcomes()).toEqual(['drop']);
    await expectUntouched();
  });

  it('is a reply that gets lost, and with it the session at a strict server', async () => {
    server.faults.dropReplyAfterProcessing();
    await expect(send()).rejects.toThrow('fetch failed');
    expect(outcomes()).toEqual(['ok']);
    expect(server.oracle.aliveRefreshTokens()).not.toContain(token);
    expect(await client.refresh(token)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(server.oracle.reuses).toBe(1);
  });

  it('is a reply that is held until it is let go', async () => {
    const release = server.faults.holdReply();
    let answered = false;
    const pending = client.refresh(token).finally(() => {
      answered = true;
    });
    await expect.poll(() => server.oracle.exchanges).toBe(1);
    // A later request is answered while the first one still waits.
    expect((await client.refresh('other')).status).toBe(400);
    expect(answered).toBe(false);
    release();
    expect(server.oracle.aliveRefreshTokens()).toEqual([(await pending).json['refresh_token']]);
  });

  it('is a reply that comes late: who asks later is answered first', async () => {
    const answered: string[] = [];
    server.faults.slowReply(1_000);
    const slow = client.refresh(token).then(({ status }) => answered.push(`slow ${status}`));
    await expect.poll(() => server.oracle.exchanges).toBe(1);
    answered.push(`quick ${(await client.refresh('other')).status}`);
    await slow;
    expect(answered).toEqual(['quick 400', 'slow 200']);
  });

  it('is one of several that come in the order in which they were asked for, and can be called off', async () => {
    server.faults.html();
    server.faults.empty();
    server.faults.hang(5);
    await send();
    await send();
    server.faults.clear();
    expect((await send()).status).toBe(200);
    expect(outcomes()).toEqual(['html', 'empty', 'ok']);
  });

  it('concerns the revocation endpoint where that is asked for', async () => {
    server.revocationFaults.throttle(503, 1);
    expect((await client.revoke(token)).status).toBe(503);
    expect(server.oracle.aliveRefreshTokens()).toEqual([token]);
    expect((await client.revoke(token)).status).toBe(200);
    expect(server.oracle.revocations).toEqual([
      { tokenHash: hashOf(token), outcome: 'fail 503' },
      { tokenHash: hashOf(token), outcome: 'ok' },
    ]);
    expect(server.oracle.aliveRefreshTokens()).toEqual([]);
  });

  it('can be put in front of any server', async () => {
    const kept: [string | null, string][] = [];
    const faults = new Faults((seen, outcome) => kept.push([seen.get('code'), outcome]), '/oauth/token');
    const own = createServer(
      faults.around((_request, response) => {
        response.writeHead(200);
        response.write('in ');
        response.end('parts');
      }),
    ).listen(0, '127.0.0.1');
    await once(own, 'listening');
    const origin = `http://127.0.0.1:${(own.address() as AddressInfo).port}`;
    const post = (path: string) =>
      fetch(origin + path, { method: 'POST', body: new URLSearchParams({ code: 'c' }) });
    faults.html();
    faults.dropReplyAfterProcessing();
    const release = faults.holdReply();
    expect(await (await post('/elsewhere')).text()).toBe('in parts');
    expect(await (await post('/oauth/token?x=1')).text()).toContain('<!doctype html>');
    await expect(post('/oauth/token')).rejects.toThrow('fetch failed');
    const held = post('/oauth/token');
    await expect.poll(() => faults.pending).toBe(0);
    release();
    expect(await (await held).text()).toBe('in parts');
    expect(kept).toEqual([['c', 'html']]);
    own.close();
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../common/clock.js';
import { type TokenEvent, TokenEvents } from '../common/events.js';
import { IssuedAccessToken } from '../common/tokens.js';
import type { RequestAnswer } from '../oauth/token-request.js';
import { TokenMemory, type Wanted } from './token-memory.js';

/** Time passes only when a test says so. */
class SteppedClock extends Clock {
  milliseconds = 1_000_000;
  override monotonic(): number {
    return this.milliseconds;
  }
  override async sleep(): Promise<void> {}
  override async turn(): Promise<void> {}
  pass(seconds: number): void {
    this.milliseconds += seconds * 1000;
  }
}

let clock: SteppedClock;
let memory: TokenMemory;
let events: TokenEvent[];
let answers: RequestAnswer[];
let requests: number;
let lifetime: number | null;
let holdMs: number | undefined;

beforeEach(() => {
  const stream = new TokenEvents();
  events = [];
  stream.stream.subscribe((event) => events.push(event));
  clock = new SteppedClock();
  memory = new TokenMemory('client_credentials', 100, clock, stream);
  answers = [];
  requests = 0;
  lifetime = 300;
  holdMs = undefined;
});

const get = async (more: Partial<Wanted> = {}): Promise<IssuedAccessToken> =>
  memory.get(
    { key: 'key', provider: 'acme', minTtlSeconds: 5, forceRefresh: false, ...more },
    async () => {
      requests += 1;
      return (
        answers.shift() ?? {
          outcome: 'issued',
          token: {
            accessToken: `token-${requests}`,
            tokenType: 'Bearer',
            scope: null,
            lifetimeSeconds: lifetime,
          },
        }
      );
    },
    async ({ accessToken }, leftMs) => ({
      token: new IssuedAccessToken(accessToken, { expiresAt: null, tokenType: 'Bearer', scope: null }, 0),
      leftMs,
      ...(holdMs !== undefined && { holdMs }),
    }),
  );
const value = async (more?: Partial<Wanted>): Promise<string> => (await get(more)).value;
/** Seconds that the error of a failed call asks for. */
const retryAfterOf = (call: Promise<unknown>): Promise<number> =>
  call.then(
    () => Number.NaN,
    (error: { retryAfter: number }) => error.retryAfter,
  );
const failure = (outcome: 'unavailable' | 'throttled' | 'client_rejected', reason: string, wait = null) =>
  ({ outcome, reason, retryAfterSeconds: wait as number | null }) satisfies RequestAnswer;

describe('a token in memory', () => {
  it('is handed out until it would expire within the margin, then another one is asked for', async () => {
    expect(await value()).toBe('token-1');
    clock.pass(294);
    expect(await value()).toBe('token-1');
    clock.pass(1);
    expect(await value()).toBe('token-2');
  });

  it('leaves a caller with a margin of its own that margin, up to half of its lifetime', async () => {
    await get();
    clock.pass(199);
    expect(await value({ minTtlSeconds: 100 })).toBe('token-1');
    clock.pass(1);
    expect(await value({ minTtlSeconds: 100 })).toBe('token-2');
    clock.pass(149);
    expect(await value({ minTtlSeconds: 86_400 })).toBe('token-2');
    clock.pass(1);
    expect(await value({ minTtlSeconds: 86_400 })).toBe('token-3');
  });

  it('of unknown lifetime is handed out for a minute', async () => {
    lifetime = null;
    await get();
    clock.pass(59);
    expect(await value({ minTtlSeconds: 300 })).toBe('token-1');
    clock.pass(1);
    expect(await value()).toBe('token-2');
  });

  it('is never handed out for longer than what it came from lives', async () => {
    holdMs = 20_000;
    await get();
    clock.pass(14);
    expect(await value()).toBe('token-1');
    clock.pass(1);
    holdMs = 0;
    expect(await value()).toBe('token-2');
    expect(await value()).toBe('token-3');
  });

  it('gives way to another one when an API has refused it, once', async () => {
    const refused = await get();
    expect(await value({ forceRefresh: refused })).toBe('token-2');
    expect(await value({ forceRefresh: refused })).toBe('token-2');
    expect(await value({ forceRefresh: true })).toBe('token-3');
  });

  it('is asked for once, however many wait for it', async () => {
    const all = await Promise.all(Array.from({ length: 1000 }, () => value()));
    expect(new Set(all)).toEqual(new Set(['token-1']));
    expect(events).toHaveLength(1);
  });

  it('makes room for others when there are too many', async () => {
    for (let index = 0; index <= 100; index += 1) await get({ key: `key ${index}` });
    expect(await value({ key: 'key 100' })).toBe('token-101');
    expect(await value({ key: 'key 0' })).toBe('token-102');
  });
});

describe('a request that fails', () => {
  it('is not repeated before the time that the provider has asked for', async () => {
    answers = [{ outcome: 'throttled', reason: 'status 429', retryAfterSeconds: 120 }];
    await expect(get()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryAfter: 120 });
    clock.pass(119);
    await expect(get()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryAfter: 1 });
    await expect(get({ key: 'another', forceRefresh: true })).rejects.toMatchObject({ retryAfter: 1 });
    expect(requests).toBe(1);
    clock.pass(1);
    expect(await value()).toBe('token-2');
  });

  it('holds up only calls for the same token, unless the client itself was refused', async () => {
    answers = [failure('unavailable', 'status 502'), failure('client_rejected', 'invalid_scope')];
    await expect(get()).rejects.toThrow('unavailable: status 502');
    await expect(get({ key: 'a' })).rejects.toMatchObject({ code: 'SCOPE_REJECTED' });
    expect(await value({ key: 'b' })).toBe('token-3');
    answers = [failure('client_rejected', 'invalid_client')];
    await expect(get({ key: 'c' })).rejects.toMatchObject({ code: 'CLIENT_REJECTED' });
    await expect(get({ key: 'd' })).rejects.toMatchObject({ code: 'CLIENT_REJECTED' });
    expect(await value({ key: 'b' })).toBe('token-3');
    expect(await value({ key: 'c', provider: 'other' })).toBe('token-5');
  });

  it('waits longer and longer, for about a minute at most', async () => {
    const waits: number[] = [];
    for (let attempt = 0; attempt < 200; attempt += 1) {
      answers = [failure('unavailable', 'ECONNREFUSED')];
      const retryAfter = await retryAfterOf(get());
      waits.push(retryAfter);
      clock.pass(retryAfter);
    }
    expect(requests).toBe(200);
    expect(waits[0]).toBeLessThanOrEqual(5);
    expect(Math.max(...waits)).toBeGreaterThan(16);
    expect(Math.max(...waits)).toBeLessThanOrEqual(65);
    expect(new Set(waits).size, 'jitter').toBeGreaterThan(10);
  });

  it('is forgotten after a success', async () => {
    for (let attempt = 0; attempt < 6; attempt += 1) {
      answers = [failure('unavailable', 'ECONNREFUSED')];
      await expect(get()).rejects.toThrow('ECONNREFUSED');
      clock.pass(65);
    }
    await get();
    answers = [failure('unavailable', 'ECONNREFUSED')];
    expect(await retryAfterOf(get({ forceRefresh: true }))).toBeLessThanOrEqual(5);
  });

  it('is an event that names the provider, the grant and the outcome', async () => {
    answers = [failure('client_rejected', 'invalid_client')];
    await expect(get()).rejects.toThrow('providers.acme');
    await expect(get()).rejects.toThrow('providers.acme');
    expect(events).toEqual([
      {
        type: 'token_request',
        provider: 'acme',
        grant: 'client_credentials',
        outcome: 'client_rejected',
        reason: 'invalid_client',
        durationSeconds: 0,
      },
    ]);
  });
});

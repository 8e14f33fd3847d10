import { describe, expect, it, vi } from 'vitest';
import { Clock } from '../common/clock.js';
import { type TokenEvent, TokenEvents } from '../common/events.js';
import { keyCheckValue, toKeyObject } from '../crypto/key-material.js';
import { randomBytes, randomId } from '../crypto/random.js';
import { uuidToBytes } from '../crypto/record-text.js';
import { type DataKeyRow, DataKeyRows } from './data-key-rows.js';
import { KeyHealth } from './key-health.js';
import { KeyRing } from './key-ring.js';
import { KeyError, KeyWrapper } from './key-wrapper.js';

const MINUTE = 60_000;

class FixedClock extends Clock {
  now = 1;
  override monotonic(): number {
    return this.now;
  }
  override async sleep(): Promise<void> {}
  override async turn(): Promise<void> {}
}

/** A key service that counts, and that can be told how to fail. */
class Service extends KeyWrapper {
  readonly kekId = 'kms';
  asked = 0;
  fault: Error | null = null;
  hangs = false;

  override async wrap(dataKey: Buffer): Promise<Buffer> {
    return Buffer.from(dataKey);
  }

  override async unwrap(blob: Buffer): Promise<Buffer> {
    this.asked++;
    if (this.fault) throw this.fault;
    if (this.hangs) await new Promise(() => undefined);
    return Buffer.from(blob);
  }
}

function setUp() {
  const bytes = randomBytes(32);
  const id = randomId();
  const row: DataKeyRow = {
    id,
    tenantId: 'acme',
    purpose: 'token',
    state: 'active',
    kekId: 'kms',
    wrapped: Buffer.from(bytes),
    checkValue: keyCheckValue(toKeyObject(bytes), uuidToBytes(id)),
    createdAt: 0,
    stateChangedAt: 0,
    destroyAfter: null,
  };
  const rows = { findById: async () => row, findCanaries: async () => [row] } as Partial<DataKeyRows>;
  const [clock, service, events] = [new FixedClock(), new Service(), new TokenEvents()];
  const seen: TokenEvent[] = [];
  events.stream.subscribe((event) => seen.push(event));
  const ring = new KeyRing(rows as DataKeyRows, service, clock);
  const health = new KeyHealth(rows as DataKeyRows, ring, events, clock);
  return { row, clock, service, ring, health, seen };
}

describe('the key ring', () => {
  it('asks the key service once, however many callers there are, and again after 15 minutes', async () => {
    const { row, clock, service, ring } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => ring.byId(row.id)));
    expect(service.asked).toBe(1);
    clock.now += 14 * MINUTE;
    await ring.byId(row.id);
    expect(service.asked).toBe(1);
    clock.now += 2 * MINUTE;
    await ring.byId(row.id);
    expect(service.asked).toBe(2);
  });

  it('goes on with the keys that it has while the key service is away, for four hours', async () => {
    const { row, clock, service, ring } = setUp();
    await ring.byId(row.id);
    service.fault = new KeyError('KMS_TIMEOUT', 'no answer');
    clock.now += 3 * 60 * MINUTE;
    await expect(ring.byId(row.id)).resolves.toMatchObject({ key: expect.anything() });
    const asked = service.asked;
    await ring.byId(row.id);
    expect(service.asked).toBe(asked);
    clock.now += 61 * MINUTE;
    await expect(ring.byId(row.id)).rejects.toMatchObject({ reason: 'KMS_TIMEOUT', transient: true });
    service.fault = null;
    await expect(ring.byId(row.id)).resolves.toBeDefined();
  });

  it('does not go on with a key that the service refuses to open', async () => {
    const { row, clock, service, ring } = setUp();
    await ring.byId(row.id);
    clock.now += 16 * MINUTE;
    service.fault = new KeyError('KEK_UNAVAILABLE', 'denied', false);
    await expect(ring.byId(row.id)).rejects.toMatchObject({ reason: 'KEK_UNAVAILABLE' });
  });

  it.each([
    ['KEY_RETIRED', { state: 'retired' }],
    ['KEY_DESTROYED', { state: 'destroyed', wrapped: null }],
    ['KEY_CHECK_FAILED', { checkValue: Buffer.alloc(32) }],
    ['KEK_UNWRAP_FAILED', { wrapped: Buffer.alloc(16) }],
  ] as const)('refuses with %s', async (reason, change) => {
    const { row, ring } = setUp();
    await expect(ring.open({ ...row, ...change })).rejects.toMatchObject({ reason });
  });

  it('forgets a key whose state has changed', async () => {
    const { row, ring } = setUp();
    await ring.byId(row.id);
    row.state = 'retired';
    ring.forget(row.id);
    await expect(ring.byId(row.id)).rejects.toMatchObject({ reason: 'KEY_RETIRED' });
  });
});

describe('key health', () => {
  it('stays ready while the key service is away for a while, and says that it is degraded', async () => {
    const { clock, service, health, seen } = setUp();
    expect(await health.check()).toBeNull();
    service.fault = new KeyError('KMS_THROTTLED', 'too many requests');
    expect(await health.check(true)).toBeNull();
    expect(seen.at(-1)).toEqual({
      type: 'keys_checked',
      ready: true,
      reason: 'KMS_THROTTLED: too many requests',
    });
    clock.now += 5 * 60 * MINUTE;
    expect(await health.check(true)).toMatch(/^KMS_THROTTLED/);
  });

  it('is not ready when the key service was never reached, or a key is wrong', async () => {
    const { service, health } = setUp();
    service.fault = new KeyError('KMS_TIMEOUT', 'no answer');
    expect(await health.check()).toMatch(/^KMS_TIMEOUT/);
    service.fault = null;
    expect(await health.check()).toBeNull();
    service.fault = new KeyError('KEK_UNWRAP_FAILED', 'another key');
    expect(await health.check(true)).toMatch(/^KEK_UNWRAP_FAILED/);
  });

  it('asks once for all probes and new tenants that come together, and once more for another keyring', async () => {
    const { service, health } = setUp();
    await Promise.all([health.check(), health.check(), health.assertReady(), health.check(true)]);
    expect(service.asked).toBe(2);
  });

  it('asks again while a look hangs', async () => {
    const { clock, service, health } = setUp();
    service.hangs = true;
    void health.check();
    await vi.waitFor(() => expect(service.asked).toBe(1));
    service.hangs = false;
    clock.now += 10_000;
    expect(await health.check()).toBeNull();
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { IssuedAccessToken } from './common/tokens.js';
import { RowNews } from './refresh/row-news.js';
import { FixedClock } from './testing/fixed-clock.js';
import { TokenCache } from './token.cache.js';

const ref = { tenantId: 'default', userId: 'ada', provider: 'acme', account: 'default' };
const other = { ...ref, userId: 'grace' };
const row = { id: 'row-of-ada', msLeft: 300_000, msToDue: 240_000 };
const token = new IssuedAccessToken('stored', { expiresAt: null, tokenType: 'Bearer', scope: null }, 1);

describe('A cached access token', () => {
  let clock: FixedClock;
  let news: RowNews;
  let cache: TokenCache;

  beforeEach(() => {
    clock = new FixedClock();
    news = new RowNews(clock);
    cache = new TokenCache(2, clock, news);
  });

  const store = (more: Partial<typeof row> = {}, owner = ref): void =>
    cache.set(owner, token, { ...row, ...more }, cache.begin());
  const cached = (owner = ref): string | undefined => cache.get(owner, 0)?.value;
  /** Time in which the replica keeps hearing of changes. */
  const listen = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += 500) {
      await clock.advance(500);
      news.heard(clock.monotonic());
    }
  };

  it('lives for a second where nothing is heard of other replicas', async () => {
    store();
    await clock.advance(999);
    expect(cached()).toBe('stored');
    await clock.advance(1);
    expect(cached()).toBeUndefined();
  });

  it('lives for a minute where every change is heard of', async () => {
    news.begin();
    store();
    await listen(59_500);
    expect(cached()).toBe('stored');
    await listen(500);
    expect(cached()).toBeUndefined();
  });

  it('is used for a second after the last sign of the connection, and gone once it is lost', async () => {
    news.begin();
    store();
    await listen(5_000);
    await clock.advance(999);
    expect(cached()).toBe('stored');
    await clock.advance(1);
    expect(cached()).toBeUndefined();
    news.heard(clock.monotonic());
    expect(cached()).toBe('stored');
    news.deaf();
    news.begin();
    expect(cached()).toBeUndefined();
  });

  it('ends with the news of its row, and not with that of another one', () => {
    store();
    news.changed('row-of-somebody');
    expect(cached()).toBe('stored');
    news.changed(row.id);
    expect(cached()).toBeUndefined();
  });

  it('is not kept when its row was changed while it was being read, by this process or another one', () => {
    const begun = cache.begin();
    news.changed(row.id);
    cache.set(ref, token, row, begun);
    expect(cached()).toBeUndefined();
    const again = cache.begin();
    cache.invalidate(ref);
    cache.set(ref, token, row, again);
    expect(cached()).toBeUndefined();
  });

  it('is kept when other rows were changed while it was being read', () => {
    const begun = cache.begin();
    news.changed('row-of-somebody');
    cache.invalidate(other);
    cache.set(ref, token, row, begun);
    expect(cached()).toBe('stored');
  });

  it('is not kept when there were more changes during its read than are remembered', () => {
    const begun = cache.begin();
    for (const id of [row.id, 'second', 'third']) news.changed(id);
    cache.set(ref, token, row, begun);
    expect(cached()).toBeUndefined();
  });

  it('is read again when its refresh is due, though it is valid', async () => {
    news.begin();
    store({ msToDue: 10_000 });
    await listen(9_500);
    expect(cached()).toBe('stored');
    await listen(500);
    expect(cached()).toBeUndefined();
  });

  it('lives for a second only when it was read while a tenant was being shredded', async () => {
    news.begin();
    news.changed(null);
    store();
    expect(cached()).toBe('stored');
    await listen(1_000);
    expect(cached()).toBeUndefined();
    await listen(4_000);
    store();
    await listen(10_000);
    expect(cached()).toBe('stored');
  });
});

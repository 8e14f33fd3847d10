import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from '../../../test/support/fake-backend.js';
import { FakePage } from '../../../test/support/fake-page.js';
import { createSession, type Session } from './session.js';
import { sessionEnded, TokenClientError } from './token-client.error.js';
import { readOptions } from './token-client.options.js';
import { createWatch, type Watch } from './watch.js';

const ada = { user: { userId: 'ada' }, expiresAt: '', idleExpiresAt: '' };
const bob = { ...ada, user: { userId: 'bob' } };
const away = new TokenClientError('UNAVAILABLE', 'away');
const noSuchRoute = new TokenClientError('REFUSED', 'no', { status: 404 });

describe('the watch over the session', () => {
  let page: FakePage;
  let backend: FakeBackend;
  let session: Session;
  let watch: Watch;
  let ends: string[];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    page = new FakePage();
    backend = new FakeBackend();
    ends = [];
    session = createSession(backend, {
      onReset: () => undefined,
      onAlive: () => watch.start(),
      onEnd: ({ reason }) => {
        ends.push(reason);
        watch.stop();
      },
    });
    watch = createWatch(readOptions({ mode: 'bff', baseUrl: '/' }, page), session, backend, page);
  });
  afterEach(() => void vi.useRealTimers());

  /** The stream that the page has opened last. */
  const last = () => backend.opened.at(-1)!;
  const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
  /** A stream that says nothing; what is written to it comes out. */
  async function connected(): Promise<WritableStreamDefaultWriter> {
    const { readable, writable } = new TransformStream();
    last().answer(new Response(readable));
    await settled();
    return writable.getWriter();
  }

  it('keeps one stream open in sight, none out of sight, and opens it when it is seen again', async () => {
    watch.start();
    await connected();
    expect(backend.opened).toHaveLength(1);
    page.hidden = true;
    page.fire('hide');
    expect(last().signal.aborted).toBe(true);
    page.hidden = false;
    page.fire('wake');
    page.fire('wake');
    expect(backend.opened).toHaveLength(2);
  });

  it('begins when the page is seen', () => {
    page.hidden = true;
    watch.start();
    expect(backend.opened).toHaveLength(0);
    page.hidden = false;
    page.fire('wake');
    expect(backend.opened).toHaveLength(1);
  });

  it('learns after a sleep that the session is over', async () => {
    watch.start();
    await connected();
    page.sleep(8 * 3600);
    page.fire('wake');
    last().answer(sessionEnded());
    await settled();
    expect(ends).toEqual(['ended']);
    expect(page.listening).toBe(0);
  });

  it('takes a stream that has just spoken for a live one', async () => {
    watch.start();
    const writer = await connected();
    page.pass(60);
    void writer.write(new TextEncoder().encode(': still here\n\n'));
    await settled();
    page.fire('wake');
    expect(backend.opened).toHaveLength(1);
  });

  it('says nothing on a page on which nobody has logged in', async () => {
    watch.start();
    last().answer(sessionEnded());
    await settled();
    page.pass(60);
    page.fire('wake');
    expect(ends).toEqual([]);
    expect(backend.opened).toHaveLength(1);
  });

  it('begins anew when somebody has', async () => {
    watch.start();
    last().answer(sessionEnded());
    await settled();
    const info = session.current();
    backend.asked[0]!.answer(ada);
    await info;
    expect(backend.opened).toHaveLength(2);
  });

  it('gives up after six tries, until the page is looked at again', async () => {
    watch.start();
    for (let attempt = 1; attempt < 10; attempt += 1) {
      last().answer(away);
      await vi.advanceTimersByTimeAsync(100_000);
    }
    expect(backend.opened).toHaveLength(6);
    page.pass(60);
    page.fire('wake');
    expect(backend.opened).toHaveLength(7);
    expect(ends).toEqual([]);
  });

  describe('of a page that knows who has logged in', () => {
    let stream: WritableStreamDefaultWriter;

    beforeEach(async () => {
      const info = session.current();
      backend.asked[0]!.answer(ada);
      await info;
      stream = await connected();
    });

    /** The page sees nothing for a while, and then again. */
    const gaps: Record<string, () => Promise<unknown> | void> = {
      'the page was out of sight': () => {
        for (const type of ['hide', 'wake'] as const) page.fire(type);
      },
      'the machine slept': () => {
        page.sleep(3600);
        page.fire('wake');
      },
      'the connection was broken': async () => {
        await stream.close();
        await vi.advanceTimersByTimeAsync(2000);
      },
    };

    it.each(Object.entries(gaps))('tells that somebody else has, while %s', async (_what, pass) => {
      await pass();
      expect(backend.opened).toHaveLength(2);
      await connected();
      expect(backend.asked).toHaveLength(2);
      backend.asked[1]!.answer(bob);
      await settled();
      expect(ends).toEqual(['ended']);

      // Goes on with them, and with one stream.
      expect(backend.opened.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
      await connected();
      backend.asked[2]!.answer(bob);
      await vi.advanceTimersByTimeAsync(100_000);
      expect([backend.opened.length, backend.asked.length]).toEqual([3, 3]);
      expect(ends).toEqual(['ended']);
    });

    it('goes on when it is still the same user, or nobody can say', async () => {
      for (const answer of [ada, away]) {
        for (const type of ['hide', 'wake'] as const) page.fire(type);
        await connected();
        backend.asked.at(-1)!.answer(answer);
        await settled();
      }
      expect(ends).toEqual([]);
      expect(last().signal.aborted).toBe(false);
      expect(backend.asked).toHaveLength(3);
    });

    it('asks nothing when it begins', () => {
      expect(backend.asked).toHaveLength(1);
    });
  });

  it('tells that somebody else has logged in, although the page has never asked who it was', async () => {
    watch.start();
    await connected();
    backend.asked[0]!.answer(ada);
    await settled();
    for (const type of ['hide', 'wake'] as const) page.fire(type);
    await connected();
    backend.asked[1]!.answer(bob);
    await settled();
    expect(ends).toEqual(['ended']);
  });

  it('tells that somebody else has logged in before a tab in the background was looked at', async () => {
    page.hidden = true;
    const info = session.current();
    backend.asked[0]!.answer(ada);
    await info;
    expect(backend.opened).toHaveLength(0);
    page.hidden = false;
    page.fire('wake');
    await connected();
    backend.asked[1]!.answer(bob);
    await settled();
    expect(ends).toEqual(['ended']);
  });

  it('pauses longer before each try', async () => {
    watch.start();
    for (const seconds of [1, 2, 4, 8]) {
      const { length } = backend.opened;
      last().answer(away);
      await vi.advanceTimersByTimeAsync(seconds * 500 - 1);
      expect(backend.opened).toHaveLength(length);
      await vi.advanceTimersByTimeAsync(seconds * 1000 + 2);
      expect(backend.opened).toHaveLength(length + 1);
    }
  });

  it('asks when the page is looked at, where the backend has no stream', async () => {
    watch.start();
    last().answer(noSuchRoute);
    await settled();
    for (const answer of [ada, sessionEnded()]) {
      page.pass(60);
      page.fire('wake');
      backend.asked.at(-1)!.answer(answer);
      await settled();
    }
    expect(backend.opened).toHaveLength(1);
    expect(backend.asked).toHaveLength(2);
    expect(ends).toEqual(['ended']);
  });

  it('stops at once', async () => {
    watch.start();
    last().answer(away);
    await settled();
    watch.stop();
    await vi.advanceTimersByTimeAsync(100_000);
    page.fire('wake');
    expect(backend.opened).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

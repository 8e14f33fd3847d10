import type { EndedSession, Session, SessionRequest, SessionService } from '@tokenward/nestjs/session';
import { Observable, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EndedSessions } from './ended-sessions.js';

const request: SessionRequest = { headers: {} };
const hour = 3_600_000;

describe('a call is told that its session is over', () => {
  let ended: Subject<EndedSession>;
  let current: Session | null;
  let listened: number;
  let sessions: EndedSessions;

  beforeEach(() => {
    vi.useFakeTimers();
    current = sessionOf('mine');
    listened = 0;
    ended = new Subject();
    const counted = new Observable<EndedSession>((listener) => {
      listened++;
      return ended.subscribe(listener);
    });
    const service = { ended: counted, current: () => Promise.resolve(current) };
    sessions = new EndedSessions(service as unknown as SessionService);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const sessionOf = (handle: string, expiresAt = Date.now() + hour): Session =>
    ({ handle, expiresAt: new Date(expiresAt) }) as Session;
  const callOf = (handle: string, expiresAt?: number) => {
    const told = vi.fn<() => void>();
    const subscription = sessions
      .of(sessionOf(handle, expiresAt), request)
      .subscribe({ next: told, error: told });
    return { told, done: () => subscription.unsubscribe() };
  };
  const end = (handle: string): void => ended.next({ handle, reason: 'ended_by_user' });

  it('when somebody ends it, and of no other one', async () => {
    const { told } = callOf('mine');
    await vi.advanceTimersByTimeAsync(0);
    end('another');
    expect(told).not.toHaveBeenCalled();
    end('mine');
    expect(told).toHaveBeenCalledOnce();
  });

  it.each([null, 'another'])('when it ended before anybody listened (now: %s)', async (now) => {
    current = now === null ? null : sessionOf(now);
    const { told } = callOf('mine');
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toHaveBeenCalled();
  });

  it('when its time is up', async () => {
    const { told } = callOf('mine');
    await vi.advanceTimersByTimeAsync(hour - 1);
    expect(told).not.toHaveBeenCalled();
    current = null;
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toHaveBeenCalled();
  });

  it('not by the clock of this machine, which may be fast', async () => {
    vi.setSystemTime(Date.now() + 2 * hour);
    const { told } = callOf('mine', Date.now() - hour);
    await vi.advanceTimersByTimeAsync(hour - 1);
    expect(told).not.toHaveBeenCalled();
    current = null;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toHaveBeenCalled();
  });

  it('without that each short call begins to listen', async () => {
    for (let count = 0; count < 3; count++) callOf('mine').done();
    expect(listened).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ended.observed, 'though nobody calls any more').toBe(false);
  });
});

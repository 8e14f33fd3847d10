import { beforeEach, describe, expect, it } from 'vitest';
import { FakeBackend } from '../../../test/support/fake-backend.js';
import { createSession, type Session } from './session.js';
import { sessionEnded, TokenClientError } from './token-client.error.js';

const ada = { user: { userId: 'ada' }, expiresAt: '', idleExpiresAt: '' };
const bob = { user: { userId: 'bob' }, expiresAt: '', idleExpiresAt: '' };
const away = new TokenClientError('UNAVAILABLE', 'away');

describe('the session', () => {
  let backend: FakeBackend;
  let session: Session;
  let ends: { reason: string; told: boolean }[];

  beforeEach(() => {
    backend = new FakeBackend();
    ends = [];
    session = createSession(backend, {
      onReset: () => undefined,
      onAlive: () => undefined,
      onEnd: ({ reason }, told) => ends.push({ reason, told }),
    });
  });

  async function alive(): Promise<void> {
    const info = session.current();
    backend.asked.at(-1)!.answer(ada);
    await info;
  }

  it('is asked about once, however many want to know', async () => {
    const all = [session.current(), session.current(), session.doubt()];
    expect(backend.asked).toHaveLength(1);
    backend.asked[0]!.answer(ada);
    expect(await Promise.all(all)).toEqual([ada, ada, undefined]);
  });

  it('ends once', async () => {
    await alive();
    session.end({ reason: 'logout' });
    session.end({ reason: 'ended' });
    expect(ends).toEqual([{ reason: 'logout', told: false }]);
  });

  it('stays ended when an answer from before the end comes late', async () => {
    const late = session.current();
    session.end({ reason: 'logout' });
    backend.asked[0]!.answer(ada);
    expect(await late).toBeNull();
    expect(session.hasEnded()).toBe(true);
  });

  it('does not end by an answer from before it was taken for new', async () => {
    const late = session.doubt();
    session.reset();
    const now = session.current();
    backend.asked[0]!.answer(sessionEnded());
    backend.asked[1]!.answer(ada);
    await Promise.all([late, now]);
    expect(ends).toEqual([]);
  });

  it('can be asked about again after a failure', async () => {
    const failed = session.current().catch((error: unknown) => error);
    backend.asked[0]!.answer(away);
    expect(await failed).toBe(away);
    await alive();
    expect(session.isAlive()).toBe(true);
  });

  it('does not end because a refusal could not be explained', async () => {
    await alive();
    const doubt = session.doubt();
    backend.asked[1]!.answer(away);
    await doubt;
    expect(ends).toEqual([]);
  });

  it.each([
    ['the backend agrees', sessionEnded(), 1],
    ['nobody can say whether it lives', away, 1],
    ['it lives', ada, 0],
  ])('that another tab calls over has ended: when %s', async (_when, answer, times) => {
    await alive();
    const contest = session.contest({ reason: 'logout' }, true);
    backend.asked[1]!.answer(answer);
    await contest;
    expect(ends).toEqual(Array.from({ length: times }, () => ({ reason: 'logout', told: true })));
  });

  it('ends when it is somebody else’s', async () => {
    await alive();
    const info = session.current();
    backend.asked[1]!.answer(bob);
    expect(await info).toBe(bob);
    expect(ends).toHaveLength(1);
    expect(session.isAlive()).toBe(true);
  });

  it('has a user, or the answer is none', async () => {
    const info = session.current();
    backend.asked[0]!.answer({ authenticated: true });
    await expect(info).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
  });
});

import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { KeyUnavailableError } from '../common/errors.js';
import type { SessionService } from '../session/session.service.js';
import type { Session } from '../session/session.types.js';
import { FixedClock } from '../testing/fixed-clock.js';
import { SessionStreams } from './session-streams.js';

const session = { handle: 'of this page', expiresAt: new Date(Date.now() + 3_600_000) } as Session;

/** What the page is sent until its stream ends. */
function told(current: () => Promise<Session | null>): Promise<string[]> {
  const sessions = { ended: NEVER, current } as unknown as SessionService;
  const events: string[] = [];
  return new Promise((resolve) => {
    new SessionStreams(sessions, new FixedClock(), 1)
      .of(session, { headers: {} })
      .subscribe({ next: ({ type }) => events.push(type), complete: () => resolve(events) });
  });
}

describe('a page that listens for the end of its session', () => {
  it.each([
    ['has ended', null],
    ['was replaced', { ...session, handle: 'of the next log-in' }],
  ])('is told when it %s before anybody listened', async (_how, found) => {
    expect(await told(async () => found)).toEqual(['open', 'ended']);
  });

  it('is not logged out because nobody could say whether the session lives: it comes again', async () => {
    const unavailable = new KeyUnavailableError('away');
    expect(await told(() => Promise.reject(unavailable))).toEqual(['open']);
  });
});

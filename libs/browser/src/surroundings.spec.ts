import { describe, expect, it } from 'vitest';
import { present } from './surroundings.js';

/** A page with its document. */
function scope(visibilityState = 'visible') {
  const document = Object.assign(new EventTarget(), { visibilityState });
  return Object.assign(new EventTarget(), {
    document,
    origin: 'https://app.example',
    location: { href: 'https://app.example/page' },
    navigator: { onLine: true },
  });
}

describe('what the client sees of its surroundings', () => {
  it('is nothing on a server, and no failure', () => {
    const server = present({});
    expect(server).toMatchObject({ href: undefined, origin: undefined });
    expect([server.isHidden(), server.isOnline(), server.channel('x')]).toEqual([false, true, undefined]);
    server.on('wake', () => undefined)();
  });

  it('is no channel in Node.js, which would not end any longer', () => {
    expect(present().channel('x')).toBeUndefined();
  });

  it.each(['online', 'pageshow', 'focus'])('wakes by %s', (event) => {
    const page = scope();
    let woken = 0;
    const stop = present(page).on('wake', () => (woken += 1));
    page.dispatchEvent(new Event(event));
    stop();
    page.dispatchEvent(new Event(event));
    expect(woken).toBe(1);
  });

  it('wakes when it comes into sight, and hides when it goes out of it', () => {
    const page = scope();
    const seen: string[] = [];
    present(page).on('wake', () => seen.push('wake'));
    present(page).on('hide', () => seen.push('hide'));
    for (const state of ['hidden', 'visible']) {
      page.document.visibilityState = state;
      page.document.dispatchEvent(new Event('visibilitychange'));
    }
    expect(seen).toEqual(['hide', 'wake']);
  });

  it('does not wake out of sight', () => {
    const page = scope('hidden');
    let woken = 0;
    present(page).on('wake', () => (woken += 1));
    page.dispatchEvent(new Event('online'));
    expect(woken).toBe(0);
  });
});

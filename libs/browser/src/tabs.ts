import type { SessionEnd } from './session.js';
import type { Surroundings } from './surroundings.js';

export interface Tabs {
  /** Tells the other tabs that the session is over. */
  tell(end: SessionEnd): void;
  close(): void;
}

/**
 * News between the tabs, windows and workers of one origin. They say that a session is over and nothing else: each tab
 * asks the backend for its own token, so that none ever waits for another one, which may be frozen or gone.
 */
export function createTabs(base: URL, { channel }: Surroundings, hear: (end: SessionEnd) => void): Tabs {
  const opened = channel(`tokenward:${base.href}`);
  opened?.addEventListener('message', ({ data }) => {
    const { ended } = (data ?? {}) as { ended?: unknown };
    if (ended === 'logout' || ended === 'ended') hear({ reason: ended });
  });
  return {
    // A channel ends at its origin: there is none to name.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    tell: ({ reason }) => opened?.postMessage({ ended: reason }),
    close: () => opened?.close(),
  };
}

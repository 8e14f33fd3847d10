import type { SessionEnd } from './session.js';
import type { Surroundings } from './surroundings.js';

/** The session is over, and how; or a log-out has begun, or has failed. */
export type News = SessionEnd['reason'] | 'leaving' | 'staying';

export interface Tabs {
  tell(news: News): void;
  close(): void;
}

/**
 * News between the tabs, windows and workers of one origin. They say that a session is over, or will be, and nothing else:
 * each tab asks the backend for its own token, so that none ever waits for another one, which may be frozen or gone.
 */
export function createTabs(base: URL, { channel }: Surroundings, hear: (news: unknown) => unknown): Tabs {
  let opened = channel(`tokenward:${base.href}`);
  opened?.addEventListener('message', ({ data }) => hear(data));
  return {
    // A channel ends at its origin: there is none to name.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    tell: (news) => opened?.postMessage(news),
    close() {
      opened?.close();
      // One that is closed refuses to be told anything.
      opened = undefined;
    },
  };
}

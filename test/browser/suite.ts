import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, vi } from 'vitest';
import { BrowserBackend } from '../support/browser-backend/backend.js';
import { Visitor } from '../support/browser-backend/visitor.js';
import { launchBrowser } from '../support/browser.js';
import { requirement } from '../support/optional.js';

export interface Stage {
  backend: BrowserBackend;
  /** Logged in as Ada. */
  visitor: Visitor;
  browser: Browser;
}

/** Tests in a real browser, each with a backend and a visitor of its own. */
export function describeInBrowser(name: string, tests: (stage: Stage) => void): void {
  // oxlint-disable-next-line vitest/valid-title
  describe.skipIf(!requirement('chromium').available)(name, () => {
    const stage = {} as Stage;
    beforeAll(async () => {
      stage.browser = await launchBrowser();
    });
    afterAll(() => stage.browser.close());

    beforeEach(async () => {
      stage.backend = await BrowserBackend.start();
      stage.visitor = await Visitor.logIn(stage.browser, stage.backend);
    });
    afterEach(async () => {
      await stage.visitor.context.close();
      await stage.backend.stop();
    });
    tests(stage);
  });
}

export const until = (condition: () => boolean | Promise<boolean>): Promise<boolean> =>
  vi.waitUntil(condition, { timeout: 90_000 });

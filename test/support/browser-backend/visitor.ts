import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import type { BrowserBackend } from './backend.js';
import './visitor.globals.js';

/** Runs in a page before its own scripts: lets `timePasses` and `setClockBack` move its clocks. */
export const CLOCKS = `
  globalThis.ahead = { wall: 0, monotonic: 0 };
  globalThis.kept = {};
  const { now } = Date, { performance } = globalThis, monotonic = performance.now.bind(performance);
  Date.now = () => now() + ahead.wall;
  performance.now = () => monotonic() + ahead.monotonic;
`;

/** A person with a browser of their own: one cookie jar, any number of tabs. */
export class Visitor {
  private constructor(
    readonly context: BrowserContext,
    private readonly backend: BrowserBackend,
  ) {}

  static async arrive(browser: Browser, backend: BrowserBackend): Promise<Visitor> {
    const context = await browser.newContext();
    await context.addInitScript(CLOCKS);
    return new Visitor(context, backend);
  }

  static async logIn(browser: Browser, backend: BrowserBackend): Promise<Visitor> {
    const visitor = await Visitor.arrive(browser, backend);
    await visitor.logIn();
    return visitor;
  }

  async logIn(user = 'ada'): Promise<void> {
    await this.context.request.get(`${this.backend.app.url}/login?user=${user}`, { maxRedirects: 0 });
  }

  /** A tab whose page has made its client with these options. */
  async tab(options: Record<string, unknown>, path = '/'): Promise<Page> {
    const page = await this.context.newPage();
    const query = new URLSearchParams({ options: JSON.stringify(options) });
    await page.goto(`${this.backend.app.url}${path}?${query.toString()}`);
    // The script is a module: it has run when the page is loaded.
    return page;
  }

  bff(more: Record<string, unknown> = {}): Promise<Page> {
    return this.tab({ mode: 'bff', ...more });
  }

  mediated(more: Record<string, unknown> = {}): Promise<Page> {
    return this.tab({ mode: 'mediated', provider: 'local', apiOrigins: [this.backend.api.url], ...more });
  }
}

/** Seconds go by in the page: awake, or asleep, where the monotonic clock stands still. */
export const timePasses = (page: Page, seconds: number, { asleep } = { asleep: false }): Promise<void> =>
  page.evaluate(
    ([ms, sleeps]) => {
      ahead.wall += ms;
      if (!sleeps) ahead.monotonic += ms;
    },
    [seconds * 1000, asleep] as const,
  );

export const setClockBack = (page: Page, seconds: number): Promise<void> =>
  page.evaluate((ms) => void (ahead.wall -= ms), seconds * 1000);

/** What a browser does with a tab that nobody has looked at for a while: nothing in it runs any longer. */
export async function freeze(page: Page): Promise<() => Promise<void>> {
  const devtools: CDPSession = await page.context().newCDPSession(page);
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
  return async () => {
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
  };
}

import type { Page } from 'playwright-core';

/** Every place in which a page can keep something, the address included. */
export const PLACES = `(async () => ({
  localStorage: { ...localStorage },
  sessionStorage: { ...sessionStorage },
  databases: await indexedDB.databases(),
  cookie: document.cookie,
  caches: await caches.keys(),
  serviceWorkers: (await navigator.serviceWorker.getRegistrations()).length,
  directory: await Array.fromAsync((await navigator.storage.getDirectory()).keys()),
  address: location.href,
  history: history.state,
  windowName: window.name,
}))()`;

/** What is there when nothing was kept. */
export const nothing = (page: Page): Record<string, unknown> => ({
  localStorage: {},
  sessionStorage: {},
  databases: [],
  cookie: '',
  caches: [],
  serviceWorkers: 0,
  directory: [],
  address: page.url(),
  history: null,
  windowName: '',
});

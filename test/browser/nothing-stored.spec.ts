import { expect, it } from 'vitest';
import { timePasses } from '../support/browser-backend/visitor.js';
import { nothing, PLACES } from '../support/web/places.js';
import { describeInBrowser } from './suite.js';

/** Strings in everything that can be reached from the client by its properties, hidden and inherited ones too. */
const REACHABLE = `(() => {
  const found = [], seen = new Set(), open = [client];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string') found.push(value);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
    seen.add(value);
    open.push(Object.getPrototypeOf(value));
    for (const property of Object.values(Object.getOwnPropertyDescriptors(value))) open.push(property.value, property.get);
  }
  return found;
})()`;

describeInBrowser('nothing is stored in the browser', (stage) => {
  it('in mode "mediated", whatever happens to the token', async () => {
    const page = await stage.visitor.mediated();
    const other = await stage.visitor.mediated();
    await other.evaluate(`
      globalThis.heard = [];
      new BroadcastChannel('tokenward:' + location.origin + '/').onmessage = ({ data }) => heard.push(data);
    `);
    const address = page.url();
    const url = `${stage.backend.api.url}/things`;
    const use = (): Promise<number> => page.evaluate(async (to) => (await client.fetch(to)).status, url);

    expect(await use()).toBe(200);
    stage.backend.issuer.revoke();
    expect(await use()).toBe(200);
    stage.backend.issuer.expire();
    await timePasses(page, 600);
    expect(await use()).toBe(200);
    expect(await page.evaluate(PLACES)).toEqual(nothing(page));
    const reachable = await page.evaluate<string[]>(REACHABLE);
    expect(reachable).toContain('getAccessToken');
    expect(reachable.filter((text) => text.includes('secret-access-token'))).toEqual([]);
    expect(await page.evaluate(() => JSON.stringify([client, ends]))).not.toContain('secret');

    await page.evaluate(() => client.logout());
    expect(await page.evaluate(PLACES)).toEqual(nothing(page));
    await expect.poll(() => other.evaluate('heard')).toEqual(['leaving', 'logout']);
    expect(page.url()).toBe(address);
  });

  it('in mode "bff"', async () => {
    const page = await stage.visitor.bff();
    await page.evaluate(() => client.fetch('/api/local/report'));
    await page.evaluate(() => client.getSession());
    expect(await page.evaluate(PLACES)).toEqual(nothing(page));
    await page.evaluate(() => client.logout());
    expect(await page.evaluate(PLACES)).toEqual(nothing(page));
  });

  it('under a strict Content-Security-Policy with Trusted Types', async () => {
    const page = await stage.visitor.mediated();
    await page.evaluate((to) => client.fetch(to), `${stage.backend.api.url}/things`);
    expect(await page.evaluate(() => violations)).toEqual([]);
  });
});

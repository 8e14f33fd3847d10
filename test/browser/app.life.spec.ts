import { expect, it } from 'vitest';
import { freeze, setClockBack, timePasses } from '../support/browser-backend/visitor.js';
import { callApi, describeApp, endOthers, endSaid, seesEnd, seesUser } from './app-suite.js';
import { until } from './suite.js';

const SECONDS = 8;

describeApp('a user with two tabs', { accessTokenTtlSeconds: SECONDS }, (on) => {
  it('calls the API on and on, while the access token expires and the provider is asked for each new one once', async () => {
    const { page, other } = await on.twoTabs();
    const { oracle } = on.stage.provider;
    const { exchanges: before, requests } = oracle;
    const first = requests.length;
    // Three lives of the token, asked for by both tabs at once.
    while (oracle.exchanges < before + 3)
      for (const said of await Promise.all([callApi(page), callApi(other)]))
        expect(said).toMatch(/answered 200/);
    const presented = requests
      .slice(first)
      .map(({ refreshTokenHash, outcome }) => [refreshTokenHash, outcome]);
    expect(new Set(presented.map(([hash]) => hash)).size).toBe(presented.length);
    expect(presented.map(([, outcome]) => outcome)).toEqual(presented.map(() => 'ok'));
    expect(oracle.reuses).toBe(0);
  });

  it('goes on after a night in which the laptop slept', async () => {
    const { page, other } = await on.twoTabs();
    const wakes = [await freeze(page), await freeze(other)];
    const seen = on.stage.front.passed.length;
    for (const wake of wakes) await wake();
    for (const tab of [page, other]) await timePasses(tab, 7 * 3600, { asleep: true });
    await until(() => on.stage.front.passed.length > seen + 2);
    for (const tab of [page, other]) {
      expect(await callApi(tab)).toMatch(/answered 200/);
      await seesUser(tab);
    }
  });

  it('is told after the sleep that the session has ended meanwhile', async () => {
    const { page } = await on.twoTabs();
    const wake = await freeze(page);
    const phone = await on.twoTabs();
    await endOthers(phone.page);
    await wake();
    await seesEnd(page);
    expect(await page.locator('body').innerText()).not.toContain('ada');
    await seesUser(phone.page);
  });

  it.each([-3600, 9 * 3600])('is not logged out by a clock that is set by %i seconds', async (seconds) => {
    const { page } = await on.twoTabs();
    await (seconds < 0 ? setClockBack(page, -seconds) : timePasses(page, seconds));
    const seen = on.stage.front.passed.length;
    await until(() => on.stage.front.passed.slice(seen).filter(({ status }) => status === 200).length > 2);
    expect(await callApi(page)).toMatch(/answered 200/);
    await seesUser(page);
  });

  it('is told that the network is away, sees what was there, and goes on when it is back', async () => {
    const { person, page, other } = await on.twoTabs();
    await person.context.setOffline(true);
    for (const tab of [page, other]) await tab.getByText('You are offline.').waitFor();
    await seesUser(page);
    await page.getByRole('button', { name: 'Call the API' }).first().click();
    await page.locator('[data-of=answer]').getByText('The app does not answer.').waitFor();
    await person.context.setOffline(false);
    for (const tab of [page, other]) await tab.getByText('You are offline.').waitFor({ state: 'hidden' });
    expect(await callApi(page)).toMatch(/answered 200/);
    expect(await callApi(other)).toMatch(/answered 200/);
  });

  it('waits for a provider that is away, and goes on when it is back', async () => {
    const { page, other } = await on.twoTabs();
    on.stage.provider.faults.fail(502, {}, '', 1000);
    await until(async () => /does not answer right now/.test(await callApi(page)));
    for (const tab of [page, other])
      await tab.getByText('Provider does not answer', { exact: true }).waitFor();
    await seesUser(other);
    on.stage.provider.faults.clear();
    await until(async () => /answered 200/.test(await callApi(page)));
    expect(await callApi(other)).toMatch(/answered 200/);
  });

  it('logs in again when the provider has ended the permission, and goes on', async () => {
    const { page, other } = await on.twoTabs('bob');
    const { provider } = on.stage;
    for (const token of provider.oracle.aliveRefreshTokens()) await provider.revoke(token);
    await page.getByRole('button', { name: 'Refresh now' }).first().click();
    for (const tab of [page, other]) await seesEnd(tab);
    expect(await endSaid(page)).toMatch(/The provider no longer accepts/);
    await page.getByRole('link', { name: 'Log in with' }).click();
    await page.getByRole('button', { name: 'Allow' }).click();
    await seesUser(page, 'bob');
    expect(await callApi(page)).toMatch(/answered 200/);
  });
});

import { expect, it } from 'vitest';
import { describeInBrowser, until } from './suite.js';

describeInBrowser('the React example', (stage) => {
  it('shows who is logged in, and in every tab that the user has logged out', async () => {
    const [page, other] = [await stage.visitor.tab({}, '/react'), await stage.visitor.tab({}, '/react')];
    for (const tab of [page, other]) await tab.getByRole('heading', { name: 'ada' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    for (const tab of [page, other]) await tab.getByRole('link', { name: 'Log in' }).waitFor();
    await until(() => stage.backend.openStreams === 0);
    expect(stage.backend.count('/auth/logout')).toBe(1);
  });

  it('does not call a user logged out because the network is away', async () => {
    stage.backend.sessionOutage = true;
    const page = await stage.visitor.tab({}, '/react');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('link', { name: 'Log in' }).count()).toBe(0);
  });
});

import { expect, it } from 'vitest';
import { callApi, describeApp, endOthers, endSaid, seesEnd, seesUser } from './app-suite.js';
import { until } from './suite.js';

describeApp('a user who logs out', {}, (on) => {
  it('in one tab, sees it in the other', async () => {
    const { page, other } = await on.twoTabs();
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await seesEnd(other);
    expect(await endSaid(other)).toMatch(/in another tab/);
    expect(await other.locator('body').innerText()).not.toContain('ada');
    await page.getByRole('heading', { name: 'Sign out here, too?' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${on.stage.url}/`);
    await page.getByRole('heading', { name: 'Watch a token live' }).waitFor();
  });

  it.each([
    ['is slow to answer', 'Sign out here, too?'],
    ['never answers', 'Watch a token live'],
  ])('from an app that %s, sees at once nothing of what was there', async (how, next) => {
    const { page } = await on.twoTabs();
    let letAnswer!: () => void;
    const mayAnswer = new Promise<void>((resolve) => (letAnswer = resolve));
    await page.route('**/auth/logout', async (route) => {
      const response = await route.fetch();
      await mayAnswer;
      await (how === 'never answers' ? route.abort() : route.fulfill({ response }));
    });
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await seesEnd(page);
    expect(await endSaid(page)).toBe('You have logged out.');
    expect(await page.locator('body').innerText()).not.toContain('ada');
    letAnswer();
    await page.getByRole('heading', { name: next }).waitFor();
  });

  it('at the provider, sees it in both tabs at once, whichever is in sight', async () => {
    const { person, page, other } = await on.twoTabs();
    const before = on.stage.front.passed.length;
    await page.bringToFront();
    const third = await person.context.newPage();
    await third.goto(`${on.stage.provider.issuer}/session/end`);
    await third.getByRole('button', { name: 'Sign out' }).click();
    for (const tab of [page, other]) await seesEnd(tab);
    const told = on.stage.front.passed.slice(before).filter(({ url }) => url.includes('backchannel'));
    expect(told).toMatchObject([{ method: 'POST', url: '/auth/backchannel-logout/test', status: 200 }]);
  });

  it('on another device, sees it in both tabs at once, and stays logged in there', async () => {
    const { page, other } = await on.twoTabs();
    const phone = await on.twoTabs();
    await endOthers(phone.page);
    for (const tab of [page, other]) await seesEnd(tab);
    expect(await callApi(phone.page)).toMatch(/answered 200/);
    await seesUser(phone.other);
  });

  it('presses "back", and sees nothing of what was there', async () => {
    const { page, other } = await on.twoTabs();
    await other.close();
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByRole('heading', { name: 'Sign out here, too?' }).waitFor();
    await page.goBack({ waitUntil: 'commit' });
    await page.getByRole('heading', { name: 'Watch a token live' }).waitFor();
    expect(await page.locator('body').innerText()).not.toContain('ada');
    expect(await page.locator('#connections').innerHTML()).not.toContain('Refreshes');
  });

  it('logs in as somebody else, whom the other tab shows then, and not who was there before', async () => {
    const { person, page, other } = await on.twoTabs();
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.close();
    await seesEnd(other);
    await person.logIn('bob');
    // What a browser says when somebody turns to the tab; without a screen all of them count as seen.
    await other.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await seesUser(other, 'bob');
    expect(await other.locator('body').innerText()).not.toContain('ada');
  });
});

describeApp('a user who has logged in', {}, (on) => {
  it('presses "back" and "forward", and is still logged in', async () => {
    const { page } = await on.twoTabs();
    await page.goBack({ waitUntil: 'commit' });
    await page.waitForURL(({ origin }) => origin === on.stage.provider.issuer);
    await page.goForward({ waitUntil: 'commit' });
    await seesUser(page);
    expect(await callApi(page)).toMatch(/answered 200/);
  });

  it('comes to the address of the log-in once more, is told so, and is still logged in', async () => {
    const { person, page } = await on.twoTabs();
    const callback = on.stage.front.passed.findLast(({ url }) => url.startsWith('/auth/callback/'))!;
    expect(callback.status).toBe(303);
    const again = await person.open(callback.url);
    await again.getByRole('heading', { name: 'This log-in is no longer valid' }).waitFor();
    await again.getByRole('link', { name: 'Back to the start' }).click();
    await seesUser(again);
    expect(await callApi(page)).toMatch(/answered 200/);
  });

  it('says no at the provider, and can try again', async () => {
    const { person, page } = await on.twoTabs('carol');
    const leaving = await person.open();
    await leaving.getByRole('button', { name: 'Log out', exact: true }).click();
    await leaving.getByRole('button', { name: 'Sign out' }).click();
    await leaving.getByRole('link', { name: 'Log in with' }).click();
    await leaving.getByRole('button', { name: 'Cancel' }).click();
    await leaving.getByRole('heading', { name: 'You are not logged in' }).waitFor();
    await seesEnd(page);
    expect(await person.context.cookies(on.stage.url)).not.toContainEqual(
      expect.objectContaining({ name: 'tokenward' }),
    );
  });

  it('has nothing of the tokens in any answer that the browser was given', async () => {
    const { person, page } = await on.twoTabs('dora');
    const bodies: string[] = [];
    page.on(
      'response',
      (response) =>
        void response.text().then(
          (text) => bodies.push(text),
          () => undefined,
        ),
    );
    await page.reload();
    await seesUser(page, 'dora');
    await callApi(page);
    await until(() => bodies.some((text) => text.includes('dora')));
    const held = [...on.stage.provider.oracle.issued].filter((token) => bodies.join('\n').includes(token));
    expect(held).toEqual([]);
    await person.context.clearCookies();
  });
});

import { request } from 'node:http';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyAuditEntry, KeyPlan, KeyStatus } from '@tokenward/nestjs';
import Database from 'better-sqlite3';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, logIn } from '../support/browser.js';
import { requirement } from '../support/optional.js';
import { startProvidedApp } from '../support/provided-app.js';
import { inProduction, ReferenceApp } from '../support/reference-app.js';
import { Visitor } from '../support/visitor.js';

/** Long enough for nothing to be refreshed meanwhile, which would move a row, too. */
const settings = { LOCAL_ACCESS_TOKEN_SECONDS: '3600' };
const basic = (password: string, user = 'admin'): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const soon = { timeout: 90_000 };

/** What the table of data keys holds that nobody else may see, in the encodings in which it could get out. */
function secretsOf(app: ReferenceApp): string[] {
  const database = new Database(app.database, { readonly: true });
  const rows = database.prepare('SELECT wrapped, check_value FROM tokenward_data_keys').all() as {
    wrapped: Buffer | string;
    check_value: Buffer | string;
  }[];
  database.close();
  return rows.flatMap(({ wrapped, check_value: check }) =>
    [wrapped, check].flatMap((value) => {
      const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value, 'base64url');
      return (['base64', 'base64url', 'hex'] as const).map((encoding) => bytes.toString(encoding));
    }),
  );
}

describe('the admin area on the wire', () => {
  let app: ReferenceApp;
  let admin: string;
  const answers: string[] = [];

  beforeAll(async () => {
    app = await ReferenceApp.start(settings);
    admin = basic(app.adminPassword);
    await new Visitor().logIn(app.url, 'local');
  });
  afterAll(() => app?.remove());

  const call = async (method: string, path: string, body?: unknown, authorization: string | null = admin) => {
    const response = await fetch(app.url + path, {
      method,
      headers: {
        'x-tokenward-csrf': '1',
        ...(authorization !== null && { authorization }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.clone().text();
    answers.push(text);
    return response;
  };
  const read = async <T>(path: string): Promise<T> => (await (await call('GET', path)).json()) as T;
  const status = (): Promise<KeyStatus> => read('/admin/keys');
  const problem = async (response: Response): Promise<unknown> => {
    expect(response.headers.get('content-type')).toMatch('application/problem+json');
    return response.json();
  };
  const reads = [
    '/admin',
    '/admin/page.js',
    '/admin/page.css',
    '/admin/keys',
    '/admin/keys/plan',
    '/admin/jobs',
    '/admin/audit',
  ];
  const writes = [
    '/admin/keys/rotate',
    '/admin/keys/some-key/retire',
    '/admin/keys/some-key/restore',
    '/admin/keys/some-key/destroy',
    '/admin/kek/rotate',
    '/admin/tenants/default/shred',
    '/admin/jobs/reencrypt/run',
  ];
  const routes = [...reads.map((path) => ['GET', path]), ...writes.map((path) => ['POST', path])] as [
    string,
    string,
  ][];

  it.each(routes)('asks for its own credential: %s %s', async (method, path) => {
    const visitor = new Visitor();
    await visitor.logIn(app.url, 'local');
    for (const given of [null, basic('wrong'), 'Bearer abc']) {
      const answer = await from(
        `127.0.1.${routes.findIndex((route) => route[1] === path) + 1}`,
        method,
        path,
        {
          cookie: visitor.cookieFor(app.url),
          ...(given !== null && { authorization: given }),
        },
      );
      expect([answer.status, answer.headers['cache-control']]).toEqual([401, 'no-store']);
      expect(answer.headers['www-authenticate']).toBe('Basic realm="Tokenward admin", charset="UTF-8"');
    }
    const bare = await call(method, path, undefined, null);
    expect(bare.status, 'a session of a user is no credential').toBe(401);
    expect(await problem(bare)).toMatchObject({
      status: 401,
      detail: expect.stringMatching(/admin password/),
    });
  });

  it.each(reads)('shows %s to the operator, and to no cache', async (path) => {
    const answer = await call('GET', path);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
  });

  it.each([...reads, ...writes])(
    'answers no page of another origin, whose browser sends the password along (%s)',
    async (path) => {
      for (const site of ['same-site', 'cross-site']) {
        const headers = { authorization: admin, 'x-tokenward-csrf': '1', 'sec-fetch-site': site };
        const method = writes.includes(path) ? 'POST' : 'GET';
        const answer = await fetch(app.url + path, { method, headers });
        expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([403, null]);
      }
    },
  );

  it.each(writes)('changes nothing without the header that other sites cannot send (%s)', async (path) => {
    const answer = await fetch(app.url + path, { method: 'POST', headers: { authorization: admin } });
    expect(answer.status).toBe(403);
  });

  /** A request from one of this machine's other addresses. */
  const from = (
    localAddress: string,
    method: string,
    path: string,
    headers: Record<string, string>,
  ): Promise<{ status: number; headers: Record<string, unknown> }> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(app.url);
      request(
        {
          host: '127.0.0.1',
          port,
          localAddress,
          method,
          path,
          headers: { 'x-tokenward-csrf': '1', ...headers },
        },
        (response) => {
          response.resume();
          resolve({ status: response.statusCode!, headers: response.headers });
        },
      )
        .on('error', reject)
        .end();
    });

  it('makes who guesses wait, even with the right password, and nobody else', async () => {
    const guess = (authorization: string) => from('127.0.0.2', 'GET', '/admin/keys', { authorization });
    const statuses: number[] = [];
    for (const password of ['a', 'b', 'c', 'd', 'e']) statuses.push((await guess(basic(password))).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401]);
    const answer = await guess(admin);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect((await call('GET', '/admin/keys')).status).toBe(200);
    expect(app.output + app.errors).toContain('a wrong password for the admin area came from 127.0.0.2');
  });

  it('tells the keys, and what a rotation would do', async () => {
    const { dataKeys, keks, replicas, reencryption } = await status();
    const key = (tenantId: string, purpose: string, rows: number): unknown =>
      expect.objectContaining({ tenantId, purpose, state: 'active', rows });
    // Tokens, sessions, and log-ins under way, which are nobody's yet.
    expect(dataKeys).toHaveLength(3);
    expect(dataKeys).toEqual(
      expect.arrayContaining([
        key('default', 'token', 1),
        key('default', 'application', 0),
        key('tokenward', 'application', 0),
      ]),
    );
    expect(keks).toEqual([{ id: '1', dataKeys: 3, usable: true, missingOn: [] }]);
    expect(replicas).toEqual([expect.objectContaining({ kekIds: ['1'] })]);
    expect(reencryption).toMatchObject({ rowsLeft: 0, quarantinedRows: 0 });
    const plan = await read<KeyPlan>('/admin/keys/plan?tenantId=default');
    expect(plan.rotate).toEqual(dataKeys.filter(({ tenantId }) => tenantId === 'default'));
    expect(plan.rows).toBe(1);
    expect((await read<KeyPlan>('/admin/keys/plan?tenantId=elsewhere')).rotate).toEqual([]);
  });

  it('rotates, moves the rows, retires and restores, all in the name of the operator', async () => {
    const old = (await status()).dataKeys.find(({ purpose }) => purpose === 'token');
    const rotated = await call('POST', '/admin/keys/rotate', { tenantId: 'default' });
    const { rotated: all } = (await rotated.json()) as {
      rotated: { purpose: string; from: string; to: string }[];
    };
    expect(all.map(({ purpose }) => purpose).toSorted()).toEqual(['application', 'token']);
    const pairs = all.filter(({ purpose }) => purpose === 'token');
    expect(pairs).toEqual([{ tenantId: 'default', purpose: 'token', from: old!.id, to: expect.any(String) }]);
    const begun = await call('POST', '/admin/jobs/reencrypt/run');
    expect([begun.status, await begun.json()]).toEqual([
      202,
      expect.objectContaining({ name: 'reencrypt', running: true }),
    ]);
    const job = async () =>
      (await read<{ name: string; running: boolean; lastRun: unknown }[]>('/admin/jobs'))[0];
    await expect
      .poll(job)
      .toMatchObject({ name: 'reencrypt', running: false, lastRun: { outcome: 'succeeded' } });
    const rowsOf = async (id: string) => (await status()).dataKeys.find((key) => key.id === id)!.rows;
    expect([await rowsOf(old!.id), await rowsOf(pairs[0]!.to)]).toEqual([0, 1]);

    for (const change of ['retire', 'restore', 'retire'])
      expect((await call('POST', `/admin/keys/${old!.id}/${change}`)).status).toBe(204);
    const audit = await read<KeyAuditEntry[]>('/admin/audit?limit=20');
    expect(audit.filter(({ actor }) => actor === 'admin').map(({ action, to }) => `${action} ${to}`)).toEqual(
      expect.arrayContaining([
        'retire retired',
        'restore decrypt_only',
        'rotate active',
        'rotate decrypt_only',
      ]),
    );
  });

  it('wraps the data keys under a new key-encryption key, which the app has found in its keyring by itself', async () => {
    const keyring = join(app.dataDirectory, 'keyring');
    writeFileSync(keyring, `2:${randomBytes(32).toString('base64')}\n${readFileSync(keyring, 'utf8')}`);
    await expect
      .poll(async () => (await status()).keks[0], { timeout: 90_000 })
      .toMatchObject({ id: '2', usable: true, missingOn: [] });
    expect((await read<KeyPlan>('/admin/keys/plan')).rewrap).toMatchObject({ dataKeys: 5, kekId: '2' });
    const answer = await call('POST', '/admin/kek/rotate');
    expect(await answer.json()).toEqual({ kekId: '2', rewrapped: 5 });
    expect((await status()).dataKeys.map(({ kekId }) => kekId)).toEqual(Array(5).fill('2'));
    const [entry] = await read<KeyAuditEntry[]>('/admin/audit?limit=1');
    expect(entry).toMatchObject({ actor: 'admin', action: 'rewrap' });
  });

  it.each(['rotate', 'clean_up', 'refresh_ahead', 'revoke'])('runs the job %s', async (name) => {
    const before = new Date();
    expect((await call('POST', `/admin/jobs/${name}/run`)).status).toBe(202);
    const ended = async () =>
      (
        await read<{ name: string; running: boolean; lastRun: { endedAt: string } | null }[]>('/admin/jobs')
      ).find((job) => job.name === name);
    await expect.poll(async () => (await ended())?.running).toBe(false);
    expect(new Date((await ended())!.lastRun!.endedAt).getTime()).toBeGreaterThanOrEqual(before.getTime());
  });

  it('says what is wrong with a request', async () => {
    const { dataKeys } = await status();
    const of = (state: string): string => dataKeys.find((key) => key.state === state)!.id;
    const cases: [string, unknown, number, object][] = [
      ['keys/unheard-of/retire', undefined, 400, { code: 'KEY_UNKNOWN', detail: /there is no data key/ }],
      [
        `keys/${of('active')}/retire`,
        undefined,
        409,
        { code: 'KEY_STATE_INVALID', detail: /is active; to retire it/ },
      ],
      [`keys/${of('retired')}/destroy`, undefined, 409, { code: 'KEY_DESTROY_TOO_EARLY', detail: /from 20/ }],
      ['keys/rotate', { tenantId: 7 }, 400, { detail: /tenantId/ }],
      ['keys/rotate', { tenant: 'default' }, 400, { detail: /tenant/ }],
      ['keys/rotate', { tenantId: '' }, 400, { code: 'TOKEN_REF_INVALID', detail: /tenantId/ }],
      ['jobs/unheard-of/run', undefined, 404, { detail: /no job/ }],
      ['jobs/constructor/run', undefined, 404, { detail: /no job/ }],
      ['tenants/default/shred', undefined, 400, { detail: /confirm/ }],
      ['tenants/default/shred', { confirm: 'Default' }, 400, { detail: /Nothing was changed/ }],
      ['tenants/unheard-of/shred', { confirm: 'unheard-of' }, 404, { detail: /Nothing was changed/ }],
    ];
    for (const [path, body, expected, { detail, ...rest }] of cases as [
      string,
      unknown,
      number,
      { detail: RegExp },
    ][]) {
      const answer = await call('POST', `/admin/${path}`, body);
      expect(answer.status, path).toBe(expected);
      expect(await problem(answer), path).toMatchObject({
        ...rest,
        status: expected,
        detail: expect.stringMatching(detail),
      });
    }
    for (const query of ['limit=0', 'limit=many', 'page=2'])
      expect((await call('GET', `/admin/audit?${query}`)).status, query).toBe(400);
    expect((await status()).dataKeys).toEqual(dataKeys);
  });

  it('has answered nothing that is secret', () => {
    const secrets = [...secretsOf(app), app.adminPassword];
    expect(secrets.length).toBeGreaterThanOrEqual(13);
    const all = answers.join('\n');
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
    expect(secrets.filter((secret) => `${all}${secrets[0]}`.includes(secret))).toEqual([secrets[0]]);
    expect(all).toContain('decrypt_only');
  });

  it('shreds a tenant whose name was repeated', async () => {
    const answer = await call('POST', '/admin/tenants/default/shred', { confirm: 'default' });
    expect([answer.status, await answer.json()]).toEqual([200, { keys: 4, tokens: 1 }]);
    // That of log-ins under way stays.
    expect((await status()).states).toMatchObject({ active: 1, decrypt_only: 0, retired: 0 });
    const [entry] = await read<KeyAuditEntry[]>('/admin/audit?limit=1');
    expect(entry).toMatchObject({ actor: 'admin' });
  });

  it('keeps its password for the next start', async () => {
    expect(await app.exit('SIGTERM')).toBe(0);
    const again = await ReferenceApp.start({}, app.dataDirectory);
    expect(again.adminPassword).toBe(app.adminPassword);
    expect(await again.exit('SIGTERM')).toBe(0);
  });

  it('is there in production only with a password that was set, and no page leads to it', async () => {
    const { app: first, stop } = await startProvidedApp();
    expect(await first.exit('SIGTERM')).toBe(0);
    const statusesOf = async (environment: Record<string, string>): Promise<unknown[]> => {
      const production = await ReferenceApp.start(
        { ...inProduction(first), ...environment },
        first.dataDirectory,
      );
      const headers = { authorization: basic('a password of the operator'), 'x-tokenward-csrf': '1' };
      const seen = await Promise.all([
        fetch(`${production.url}/admin`, { headers }),
        fetch(`${production.url}/admin/keys`, { headers }),
        fetch(`${production.url}/admin/keys/rotate`, { headers, method: 'POST' }),
      ]);
      const offer = await (await fetch(`${production.url}/providers`)).json();
      expect(offer).toMatchObject({ operatorPage: null });
      expect(await production.exit('SIGTERM')).toBe(0);
      expect(production.output).not.toContain('a password of the operator');
      return seen.map(({ status: code }) => code);
    };
    expect(await statusesOf({})).toEqual([404, 404, 404]);
    expect(await statusesOf({ ADMIN_PASSWORD: 'a password of the operator' })).toEqual([200, 200, 200]);
    await stop();
  });
});

const pictures = join(import.meta.dirname, '..', '..', 'test-results');
const chromium = requirement('chromium');

describe.skipIf(!chromium.available)('the admin page as the operator sees it', () => {
  let app: ReferenceApp;
  let browser: Browser;
  let operator: BrowserContext;
  let page: Page;
  let user: Page;
  const bob = new Visitor();
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    app = await ReferenceApp.start(settings);
    browser = await launchBrowser();
    user = await browser.newPage();
    await user.goto(app.url);
    await logIn(user);
    await bob.get(`${app.url}/`);
    await logInAs('bob');
    operator = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      httpCredentials: { username: 'admin', password: app.adminPassword, origin: app.url },
    });
    page = await operator.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    await app?.remove();
  });

  const logInAs = async (name: string): Promise<void> => {
    const callback = await bob.callbackAfterLogIn(app.url, { name, password: 'x' }, 'local');
    expect((await bob.follow(callback)).url).toBe(`${app.url}/`);
  };
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  /** The row of a key of tokens by the state under whose heading it stands. */
  const keysIn = (state: string) =>
    page.locator(`#keys tbody.${state} ~ tbody:has([data-of=purpose][hidden])`).first();
  const answer = (words: RegExp) => page.locator('[data-answer]', { hasText: words });
  const agree = (name: string) => page.locator('dialog').getByRole('button', { name }).click();
  const picture = (name: string, fullPage = true) =>
    page.screenshot({ path: join(pictures, `${name}.png`), fullPage });

  it('is led to from the main page where everything is for trying out', async () => {
    const link = user.getByRole('link', { name: 'Keys and jobs, for the operator' });
    expect(await link.getAttribute('href')).toBe('/admin');
  });

  it('shows the keys and what is under them', async () => {
    await page.goto(`${app.url}/admin`);
    await page.getByRole('heading', { name: 'Re-encryption' }).waitFor();
    expect(await page.getByRole('status').innerText()).toBe('Nothing to do');
    expect(await keysIn('active').innerText()).toMatch(/default[\s\S]*\b2\b/);
    expect(await page.locator('#keks').innerText()).toMatch(
      /^1\s+Usable on every live replica\s+wraps 3 data keys$/,
    );
    expect(await page.locator('#replicas li').count()).toBe(1);
    expect(await page.locator('#audit').innerText()).toContain('made a key');
  });

  it('rotates, after it has said what that does, by keyboard alone', async () => {
    await button('Rotate all keys').focus();
    await page.keyboard.press('Enter');
    await page.getByText('3 active keys get successors. 2 rows will be sealed again').waitFor();
    await page.keyboard.press('Escape');
    expect(await keysIn('decrypt_only').count()).toBe(0);
    await page.locator('#rotate[aria-disabled=false]:focus').press('Enter');
    await page.getByText('3 active keys get successors').waitFor();
    tamper(app, 'local:bob');
    await page.keyboard.press('Enter');
    await answer(/3 keys replaced/).waitFor();
    expect(await keysIn('decrypt_only').count()).toBe(1);
    expect(await page.evaluate('document.activeElement.id')).toBe('rotate');
  });

  it('moves what it can open to the new key, and shows what it cannot', async () => {
    await button('Re-encrypt now').click();
    await expect.poll(() => page.getByRole('status').innerText(), soon).toBe('Rows in quarantine');
    await page.getByText('1 of 2 rows under active keys').waitFor();
    expect(await keysIn('active').locator('[data-of=rows]').innerText()).toBe('1');
    expect(await keysIn('decrypt_only').innerText()).toContain('1 quarantined');
    await page.getByText('1 row could not be opened and was left as it is;').waitFor();
  });

  it('says why the database refuses to retire a key in use', async () => {
    await button('Retire').click();
    await answer(
      /Not retired: the database refuses.*1 row is left\. All of this could not be opened/,
    ).waitFor();
    await picture('admin-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('admin-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await picture('admin-phone');
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('retires the key once nothing is left under it', async () => {
    await logInAs('bob');
    await expect.poll(() => keysIn('decrypt_only').locator('[data-of=rows]').innerText(), soon).toBe('0');
    await button('Retire').click();
    await keysIn('retired').getByText('Retired. Nothing can be sealed or opened under it.').waitFor();
    await keysIn('retired').getByText('May be destroyed from').waitFor();
    expect(await page.getByRole('status').innerText()).toBe('Nothing to do');
  });

  it('destroys no key that a backup may still need', async () => {
    await button('Destroy').click();
    await page.getByText('is erased for good').waitFor();
    await picture('admin-question', false);
    await agree('Destroy it');
    await answer(/Not destroyed: a backup that needs this key may still be restored/).waitFor();
  });

  it('restores a retired key', async () => {
    await button('Restore').click();
    await answer(/Restored: it opens again/).waitFor();
    expect(await keysIn('decrypt_only').count()).toBe(1);
    await expect.poll(() => page.locator('#audit li.mine').count(), soon).toBe(8);
    expect(await page.locator('#audit li').first().innerText()).toMatch(
      /admin restored a key[\s\S]*retired → decrypt_only/,
    );
  });

  it('runs a job and says how it went', async () => {
    await button('Run now: Clean-up').click();
    await expect
      .poll(() => page.locator('#jobs li', { hasText: 'Clean-up' }).innerText())
      .toMatch(/\d s ago: 0 rows/);
  });

  it('wraps nothing anew while there is no new key-encryption key, and says how to get one', async () => {
    await button('Wrap data keys anew').click();
    await page.getByText('put a new entry before it on every replica').waitFor();
    await agree('Cancel');
  });

  it('shreds a tenant when its name was typed, and not before', async () => {
    await page.getByLabel('Tenant', { exact: true }).fill('default');
    await button('Shred…').click();
    const typed = page.getByLabel('Type “default” to confirm');
    const go = page.getByRole('button', { name: 'Shred it for ever' });
    await typed.fill('defaul');
    await typed.press('Enter');
    expect([await typed.isVisible(), await go.getAttribute('aria-disabled')]).toEqual([true, 'true']);
    await typed.fill('default');
    expect(await go.getAttribute('aria-disabled')).toBe('false');
    await picture('admin-shred', false);
    await agree('Shred it for ever');
    await answer(/“default” is shredded: 4 keys destroyed, 2 rows erased/).waitFor();
    expect(await page.locator('#keys tbody.active + tbody').innerText()).not.toContain('default');
    expect(await page.locator('#audit').innerText()).toContain('shredded a tenant');
  });

  it('leaves its users with an answer, not with an error', async () => {
    // The session has gone with the tokens.
    await user.getByRole('link', { name: 'Log in with the local provider' }).click();
    await user.getByRole('button', { name: 'Allow' }).click();
    const heading = user.getByRole('heading', { name: 'This app cannot store your tokens any more' });
    await expect.poll(() => heading.isVisible(), soon).toBe(true);
    await user.screenshot({ path: join(pictures, 'shredded.png') });
  });

  it('has shown no error on the way but the refusals', () => {
    expect(complaints.filter((text) => !/status of 409/.test(text))).toEqual([]);
    expect(complaints).toHaveLength(2);
  });
});

/** Changes one sealed byte of a user's row behind the app's back. */
function tamper(app: ReferenceApp, userId: string): void {
  const database = new Database(app.database);
  const { access_ct: sealed } = database
    .prepare('SELECT access_ct FROM tokenward_tokens WHERE user_id = ?')
    .get(userId) as { access_ct: string };
  const at = sealed.length - 10;
  const other = sealed[at] === 'A' ? 'B' : 'A';
  database
    .prepare('UPDATE tokenward_tokens SET access_ct = ? WHERE user_id = ?')
    .run(sealed.slice(0, at) + other + sealed.slice(at + 1), userId);
  database.close();
}

import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImportReport, plainText } from '@tokenward/nestjs/import';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { colonSeparated } from '../../examples/import-own-cipher.js';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Outcome, tokenwardImport } from '../support/import/command.js';
import { LegacyTable, PASSWORD, TABLE } from '../support/import/legacy-table.js';
import { tutorialTriple } from '../support/import/tutorial.js';
import { tokensIn } from '../support/token-search.js';

const SECRET = 'better-auth-secret-of-a-test-0123456789';
/** `1//0gExampleRefreshToken`, made once with better-auth 1.7.25. */
const SEALED_BY_BETTER_AUTH =
  '5cc0b326c7cb777af03b8e60258b29bd0e40fbce39bba8083a1c242b6bbb8aa7e151599a1cf37e8ffab108e29530cab65dcc0d980afb31bcd286c02319275155';

describe('tokenward import', () => {
  let database: TestDatabase;
  let legacy: LegacyTable;
  let directory: string;
  let env: Record<string, string>;
  let app: Replica | null = null;

  beforeEach(async () => {
    database = await createDatabase('postgres');
    legacy = new LegacyTable(database.options, freshKeyring());
    await legacy.create();
    directory = await mkdtemp(join(tmpdir(), 'tokenward-import-'));
    env = {
      DATABASE_URL: addressOf(database),
      TOKEN_KEYRING: legacy.keyring,
      TOKEN_PASSWORD: PASSWORD,
    };
  });
  afterEach(async () => {
    await app?.close();
    app = null;
    await legacy.close();
    await database.drop();
    await rm(directory, { recursive: true });
  });

  const run = (args: string[] = [], more: Record<string, string> = {}): Promise<Outcome> =>
    tokenwardImport(['examples/import.ts', ...args], { ...env, ...more });

  /** The table of `examples/import.ts` keeps its expiry as a timestamp. */
  async function fill(rows: number): Promise<void> {
    await legacy.source.query(
      `ALTER TABLE ${TABLE} ALTER COLUMN expires_at TYPE timestamptz USING to_timestamp(expires_at)`,
    );
    const seal = (text: string): string => JSON.stringify(tutorialTriple(PASSWORD, text));
    for (let id = 1; id <= rows; id++)
      await legacy.insertSealed([id, `user-${id}`, seal(`access-${id}`), seal(`refresh-${id}`), null]);
  }

  async function tokensOf(provider: string, userId: string, account = 'default') {
    app ??= await startReplica(database, {
      providers: Object.fromEntries(
        ['github', 'google', 'google-mail'].map((name) => [
          name,
          { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' },
        ]),
      ),
      encryption: { keyring: legacy.keyring },
      refresh: { ahead: false },
      cleanup: false,
      revocation: false,
      rotation: false,
      cache: false,
    });
    const set = await app.tokens.getTokens({ userId, provider, account });
    return set && { access: set.accessToken.value, refresh: set.refreshToken?.value ?? null };
  }

  it('tries without writing, imports, and finds all there the next time', async () => {
    await fill(40);
    const dry = await run(['--dry-run']);
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/nothing was written/) });
    expect(dry.stdout).toMatch(/would be imported +40\n/);
    expect(await legacy.written()).toEqual({ tokens: 0, dataKeys: 0 });
    const done = await run();
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nimported +40\n/) });
    expect(done.stderr).toMatch(/40 of 40 rows read, 0 failed \(100 %\)/);
    const again = await run(['--checkpoint', join(directory, 'checkpoint.json')]);
    expect(again.stdout).toMatch(/there already, left alone +40\n/);
    expect(await tokensOf('github', 'user-40')).toEqual({ access: 'access-40', refresh: 'refresh-40' });
    const told = [dry, done, again].map(({ stdout, stderr }) => stdout + stderr).join('\n');
    expect(tokensIn(told, ['access-1', 'refresh-40', PASSWORD, legacy.keyring.slice(2)])).toEqual([]);
  });

  it('names each row that fails, takes the others, and ends with 3', async () => {
    await fill(2);
    await legacy.insertSealed([3, 'user-3', JSON.stringify(tutorialTriple('other', 'access-3')), null, null]);
    const outcome = await run(['--json']);
    expect(outcome.code).toBe(3);
    expect(outcome.stderr).toMatch(/^failed: 3, LEGACY_AUTH_FAILED: the password or key is not the one/m);
    expect(outcome.stderr).toMatch(/1 row could not be imported/);
    const report = JSON.parse(outcome.stdout) as ImportReport;
    expect(report).toMatchObject({
      total: 3,
      imported: 2,
      failed: 1,
      failedByReason: { LEGACY_AUTH_FAILED: 1 },
    });
  });

  it('says that rows are left out because another one is for the same user, in the dry run already, and ends with 3', async () => {
    await fill(2);
    const access = JSON.stringify(tutorialTriple(PASSWORD, 'access-of-another-account'));
    await legacy.insertSealed([3, 'user-2', access, null, null]);
    for (const args of [['--dry-run'], []]) {
      const outcome = await run(args);
      expect(outcome).toMatchObject({ code: 3, stdout: expect.stringMatching(/mported +2\n/) });
      expect(outcome.stdout).toMatch(/left out, same ref as a row before +1\n/);
      expect(outcome.stderr).toMatch(/^1 row has the same ref as a row before/m);
    }
  });

  it('with a wrong password says so and ends with 1, whatever the number of rows', async () => {
    await fill(30);
    const outcome = await run(['--check-rows', '10'], { TOKEN_PASSWORD: 'wrong' });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /None of the first 10 rows of "oauth_tokens" .*is the password or key right\?/,
    );
    expect(await legacy.written()).toEqual({ tokens: 0, dataKeys: 0 });
  });

  it('draws a bar on a terminal, with the failed rows above it', async () => {
    await fill(2);
    await legacy.insertSealed([3, 'user-3', 'no json', null, null]);
    const { code, stderr } = await tokenwardImport(['examples/import.ts'], env, true);
    expect(code).toBe(3);
    expect(stderr).toMatch(/Importing \[=+\] 100% of 3 rows, 1 failed/);
    expect(stderr).toContain('\r\u001B[Kfailed: 3, LEGACY_MALFORMED');
  });

  it.each([
    ['is not there', null, /There is no .*tokenward\.import\.js: write one as in docs\/import\.md/],
    ['has no default export', 'export const other = 1;', /has no default export/],
    ['cannot be parsed', 'export default {', /cannot be loaded: (?:SyntaxError|Failed to parse)/],
    ['fails by itself', 'throw new Error("no PASSWORD is set")', /cannot be loaded: no PASSWORD is set/],
    [
      'is no definition',
      'export default { table: "x" }',
      /source: must be a DataSource[^]*keyColumn: must be/,
    ],
  ])('ends with 2 when its module %s', async (_name, code, expected) => {
    const file = join(directory, 'tokenward.import.js');
    if (code !== null) await writeFile(file, code);
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
    const outcome = await tokenwardImport([file], env);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toMatch(expected);
  });

  it('ends with 2 when the password is not set, and when a number is none', async () => {
    expect(await run([], { TOKEN_PASSWORD: '' })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/tutorialTokenManager password: .* is its environment variable set\?/),
    });
    expect(await run(['--check-rows', 'many'])).toMatchObject({ code: 2 });
  });

  it("imports better-auth's accounts as the example says", async () => {
    await legacy.source
      .query(`CREATE TABLE account (id text PRIMARY KEY, "accountId" text, "providerId" text, "userId" text,
      "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" timestamptz, scope text)`);
    await legacy.source.query(
      `INSERT INTO account VALUES
        ('a', '7', 'google', 'ada', 'ya29.from before', $1, NULL, now() + interval '1 hour', 'openid,email'),
        ('b', 'ada', 'credential', 'ada', NULL, NULL, NULL, NULL, NULL)`,
      [SEALED_BY_BETTER_AUTH],
    );
    const outcome = await tokenwardImport(['examples/import-better-auth.ts', '--json'], {
      ...env,
      BETTER_AUTH_SECRET: SECRET,
    });
    expect(JSON.parse(outcome.stdout)).toMatchObject({ imported: 1, skipped: 1, failed: 0 });
    expect(await tokensOf('google', 'ada', '7')).toEqual({
      access: 'ya29.from before',
      refresh: '1//0gExampleRefreshToken',
    });
    const [stored] = await app!.tokens.listTokens({ userId: 'ada' });
    expect(stored).toMatchObject({ scope: 'openid email', expiresAt: expect.any(Date) });
  });

  it("imports Nango's connections as the example says", async () => {
    const key = randomBytes(32);
    const credentials = {
      type: 'OAUTH2',
      access_token: 'from-nango',
      expires_at: '2026-11-23T10:00:00.000Z',
    };
    await legacy.source.query('CREATE SCHEMA nango');
    await legacy.source
      .query(`CREATE TABLE nango._nango_connections (id serial PRIMARY KEY, connection_id text,
      provider_config_key text, credentials json, credentials_iv text, credentials_tag text, deleted boolean DEFAULT false)`);
    const insert = async (user: string, value: object): Promise<void> => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const encrypted = cipher.update(JSON.stringify(value), 'utf8', 'base64') + cipher.final('base64');
      await legacy.source.query(
        `INSERT INTO nango._nango_connections (connection_id, provider_config_key, credentials, credentials_iv, credentials_tag)
         VALUES ($1, 'google-mail', $2, $3, $4)`,
        [
          user,
          { encrypted_credentials: encrypted },
          iv.toString('base64'),
          cipher.getAuthTag().toString('base64'),
        ],
      );
    };
    await insert('ada', { ...credentials, refresh_token: 'refresh-of-ada' });
    await insert('eve', { type: 'API_KEY', apiKey: 'x' });
    const outcome = await tokenwardImport(['examples/import-nango.ts', '--json'], {
      ...env,
      NANGO_DATABASE_URL: env['DATABASE_URL']!,
      NANGO_ENCRYPTION_KEY: key.toString('base64'),
    });
    expect(JSON.parse(outcome.stdout)).toMatchObject({ imported: 1, skipped: 1, failed: 0 });
    expect(await tokensOf('google-mail', 'ada')).toEqual({ access: 'from-nango', refresh: 'refresh-of-ada' });
  });

  it('takes a cipher of your own as the example says', () => {
    const key = randomBytes(32);
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    const ciphertext = cipher.update('token', 'utf8', 'hex') + cipher.final('hex');
    const stored = [iv.toString('hex'), cipher.getAuthTag().toString('hex'), ciphertext].join(':');
    expect(colonSeparated(key).decrypt(stored)).toBe(plainText().decrypt('token'));
    expect(() => colonSeparated(randomBytes(32)).decrypt(stored)).toThrow(/password or key/);
    expect(() => colonSeparated(key).decrypt('token')).toThrow(/iv:tag:ciphertext/);
  });
});

function addressOf({ options }: TestDatabase): string {
  const { host, port, username, password, database } = options as unknown as Record<string, string>;
  const url = new URL(`postgres://localhost/${database}`);
  Object.assign(url, { username: username ?? '', password: password ?? '', port: port ?? '' });
  if (host?.startsWith('/')) url.searchParams.set('host', host);
  else url.hostname = host ?? 'localhost';
  return url.href;
}

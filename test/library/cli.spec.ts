import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  DataKeyEntity,
  KekEntity,
  ReplicaEntity,
  type KeyStatus,
  TokenEntity,
  type TokenModuleOptions,
} from '@tokenward/nestjs';
import { DataSource, In } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import { CliDirectory, outcome, type Outcome } from '../support/cli.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const options = (keyring: string): TokenModuleOptions => ({
  providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
  encryption: { keyring },
  refresh: { ahead: false },
  cleanup: false,
  revocation: false,
  rotation: false,
  cache: false,
});

/** Log-ins of so many users of one tenant. */
async function logIn(replica: Replica, tenantId: string, users: number): Promise<void> {
  for (let user = 1; user <= users; user++)
    await replica.tokens.storeTokens(
      { tenantId, userId: `user-${user}`, provider: PROVIDER },
      { access_token: `access-of-${user}`, refresh_token: `refresh-of-${user}` },
    );
}

describe('The command line with a wrong configuration', () => {
  let directory: CliDirectory;
  beforeEach(() => {
    directory = new CliDirectory();
  });
  afterEach(() => directory.remove());

  const status = (...more: string[]): Promise<Outcome> => directory.run('keys', 'status', ...more);
  const configuration = (text: string, name = 'tokenward.config.mjs'): string => directory.write(name, text);
  const dataSource = `new (await import('typeorm')).DataSource({ type: 'better-sqlite3', database: 'db' })`;

  it('says which version it is, whatever the configuration', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../libs/token/package.json', import.meta.url), 'utf8'),
    ) as {
      version: string;
    };
    expect(await directory.run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('says how to make one where there is none', async () => {
    const { code, stderr } = await status();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^There is no tokenward.config.js, .* in the working directory/);
    expect(stderr).toContain('export default {');
  });

  it.each([
    ['that is not there', null, /tokenward.config.mjs is not there/],
    ['without a default export', 'export const config = {};', /has no default export/],
    ['that is no object', 'export default 7;', /must be an object/],
    [
      'that fails',
      "throw new Error('DATABASE_URL is missing');",
      /cannot be loaded: DATABASE_URL is missing/,
    ],
    ['with nothing in it', 'export default {};', /- dataSource: must be.*\n- encryption: needs either/],
    [
      'with a faulty keyring',
      `export default { dataSource: ${dataSource}, encryption: { keyring: 'abc,1:aaaa' } };`,
      /- encryption.keyring: entry 1 has no colon.*\n- encryption.keyring: entry 2 \(id "1"\) key must be 32/,
    ],
    [
      'with a keyring file that is not there',
      `export default { dataSource: ${dataSource}, encryption: { keyring: { file: 'none' } } };`,
      /file none cannot be read \(ENOENT\)/,
    ],
    [
      'with something else for a wrapper, and a wrong option',
      `export default { dataSource: ${dataSource}, encryption: { wrapper: {} }, rotation: { batchSize: 0 } };`,
      /- encryption.wrapper: must extend the KeyWrapper.*\n- rotation.batchSize: must be at least 1/,
    ],
    [
      'whose data source lacks the entities',
      `export default { dataSource: ${dataSource}, encryption: { keyring: '${freshKeyring()}' } };`,
      /does not know the entities: add `entities: \[\.\.\.tokenEntities\]`/,
    ],
  ])('names what is wrong with one %s', async (_what, text, fault) => {
    if (text !== null) configuration(text);
    const { code, stdout, stderr } = await status('--config', 'tokenward.config.mjs');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(fault);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('does not repeat a secret that it could not read', async () => {
    configuration(`export default JSON.parse('{"keyring": hush-hush}');`);
    const { code, stderr } = await status();
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot be loaded: it reads JSON that is not valid/);
    expect(stderr).not.toContain('hush');
  });

  it('says what this Node.js cannot load', async () => {
    configuration('export enum Kind { One }; export default {};', 'tokenward.config.ts');
    const { code, stderr } = await status();
    expect(code).toBe(2);
    expect(stderr).toMatch(/Node\.js \S+ (?:does not load TypeScript by itself|cannot run)/);
  });

  it('says that the tables are missing, and makes none, whatever the data source would do by itself', async () => {
    const database = await createDatabase('sqlite');
    directory.configure({ ...database.options, synchronize: true, migrationsRun: true });
    directory.write('keyring', freshKeyring());
    const { code, stderr } = await status();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^TABLES_MISSING: /);
    const look = await new DataSource(database.options).initialize();
    expect(await look.query('SELECT name FROM sqlite_master')).toEqual([]);
    await look.destroy();
    await database.drop();
  });

  it('says that the database is away', async () => {
    directory.configure({ type: 'postgres', host: '127.0.0.1', port: 1, username: 'ada', password: 'hush' });
    directory.write('keyring', freshKeyring());
    const { code, stderr } = await status();
    expect(code).toBe(1);
    expect(stderr).toBe('The database cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n');
    expect((await status('--debug')).stderr).toMatch(/\n +at /);
  });

  it.each([
    [['keys', 'unheard-of']],
    [['keys', 'retire']],
    [['keys', 'retire', 'id', '--all-empty']],
    [['keys', 'audit', '--limit', '0']],
    [['keys', 'status', '--watch', 'often']],
    [['keyring', 'generate', '--id', 'a b']],
  ])('ends with 2 for %j', async (args) => {
    const { code, stdout, stderr } = await directory.run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });
});

describe('The keyring commands', () => {
  let directory: CliDirectory;
  beforeEach(() => {
    directory = new CliDirectory();
  });
  afterEach(() => directory.remove());

  it('print a key once: as the only thing on stdout, when it is made', async () => {
    const made = await directory.run('keyring', 'generate', '--id', 'may');
    expect(made.stdout).toMatch(/^may:[A-Za-z0-9+/]{43}=\n$/);
    directory.write('keyring', made.stdout);
    const added = await directory.run('keyring', 'add', '--file', 'keyring', '--id', 'june');
    const checked = await directory.run('keyring', 'check', '--file', 'keyring');
    expect(checked.stdout).toBe('keyring\n  ID    USE\n  june  wraps and opens\n  may   opens\n');
    const keys = readFileSync(directory.keyring, 'utf8').match(/[A-Za-z0-9+/]{43}=/g)!;
    expect(keys).toHaveLength(2);
    const said = [added, checked].map(({ stdout, stderr }) => stdout + stderr).join('');
    for (const key of keys) expect(said).not.toContain(key);
  });

  it('add in front or behind, keep what was there, its comments and its mode', async () => {
    const before = `# production\n${freshKeyring('1')} # since May\n`;
    directory.write('keyring', before, 0o600);
    expect((await directory.run('keyring', 'add', '--file', 'keyring')).code).toBe(0);
    expect((await directory.run('keyring', 'add', '--file', 'keyring', '--last')).code).toBe(0);
    const lines = readFileSync(directory.keyring, 'utf8').split('\n');
    expect(lines.map((line) => line.split(':')[0])).toEqual(['# production', '2', '1', '3', '']);
    expect(`${lines[0]}\n${lines[2]}\n`).toBe(before);
    expect(statSync(directory.keyring).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['a faulty keyring', '1:abc\nxyz\n', [], /- entry 1 .*\n- entry 2 has no colon/],
    ['an id that is taken', freshKeyring('7'), ['--id', '7'], /has an entry with this id/],
    ['names for ids', freshKeyring('may'), [], /choose the next one with --id/],
  ])('leave alone %s', async (_what, text, more, fault) => {
    directory.write('keyring', text);
    const { code, stderr } = await directory.run('keyring', 'add', '--file', 'keyring', ...more);
    expect(code).toBe(2);
    expect(stderr).toMatch(fault);
    expect(readFileSync(directory.keyring, 'utf8')).toBe(text);
  });

  it('say that a keyring was not tried where no configuration names a database, and how to try it', async () => {
    directory.write('keyring', freshKeyring());
    const { code, stderr } = await directory.run('keyring', 'check', '--file', 'keyring');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^NOT TRIED against a database: .* --config <file>\.\n$/);
  });

  it('say when others can read the file', async () => {
    directory.write('keyring', freshKeyring(), 0o644);
    expect((await directory.run('keyring', 'check', '--file', 'keyring')).stderr).toMatch(
      /chmod 600 keyring/,
    );
  });
});

describe('The keys commands', () => {
  const keyring = freshKeyring('1');
  let directory: CliDirectory;
  let database: TestDatabase;
  let replica: Replica;

  beforeAll(async () => {
    directory = new CliDirectory();
    directory.write('keyring', keyring);
    database = await createDatabase('postgres');
    directory.configure(database.options);
    replica = await startReplica(database, options(keyring));
    await logIn(replica, 'acme', 5);
    await logIn(replica, 'umbrella', 3);
  });
  afterAll(async () => {
    await replica.close();
    await database.drop();
    directory.remove();
  });

  const keys = (...args: string[]): Promise<Outcome> => directory.run('keys', ...args);
  const status = async (): Promise<KeyStatus> =>
    JSON.parse((await keys('status', '--json')).stdout) as KeyStatus;
  const inState = async (state: string, tenantId: string): Promise<string[]> =>
    (await status()).dataKeys
      .filter((key) => key.state === state && key.tenantId === tenantId)
      .map(({ id }) => id);

  it('change nothing where nobody can answer, and do not hang', async () => {
    const before = await replica.dataSource.getRepository(DataKeyEntity).find({ order: { id: 'ASC' } });
    const [key] = before;
    for (const args of [['rotate'], ['retire', key!.id], ['destroy', key!.id], ['shred-tenant', 'acme']]) {
      const { code, stderr } = await keys(...args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toMatch(/nobody can answer here. Add --yes once you are sure. Nothing was changed/);
    }
    expect(await replica.dataSource.getRepository(DataKeyEntity).find({ order: { id: 'ASC' } })).toEqual(
      before,
    );
  });

  it('change nothing after a no, or after another name than the one to be typed', async () => {
    const [key] = await inState('active', 'acme');
    const no = await directory.runInTerminal(['keys', 'rotate'], ['n']);
    const typo = await directory.runInTerminal(['keys', 'shred-tenant', 'acme'], ['y']);
    expect([no.code, typo.code]).toEqual([1, 1]);
    expect(no.stdout).toMatch(/Go on\? \[y\/N\] n\nNothing was changed\.\n$/);
    expect(typo.stdout).toMatch(/That is not the id of the tenant. Nothing was changed\.\n$/);
    expect(await inState('active', 'acme')).toEqual([key]);
  });

  it('rotate one tenant, and leave the other and the rows alone if asked to', async () => {
    const [old] = await inState('active', 'acme');
    const { code, stdout } = await keys('rotate', '--tenant', 'acme', '--no-reencrypt', '--yes');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/Rotated 1 data key\./) });
    const after = await status();
    expect(after.states).toMatchObject({ active: 2, decrypt_only: 1 });
    expect(after.reencryption.rowsLeft).toBe(5);
    expect(await inState('decrypt_only', 'acme')).toEqual([old]);
  });

  it('show what the database refuses, with its code', async () => {
    const [old] = await inState('decrypt_only', 'acme');
    const { code, stderr } = await keys('retire', old!, '--yes');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^KEY_IN_USE: .*5 /);
  });

  it('move rows while the application goes on reading them, and say who has asked for what', async () => {
    const { code, stdout } = await keys('reencrypt');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Re-encrypted 5 rows: no row is left under an old key.\n',
    });
    const ref = { tenantId: 'acme', userId: 'user-3', provider: PROVIDER };
    expect((await replica.tokens.getAccessToken(ref)).value).toBe('access-of-3');
    expect((await keys('reencrypt')).stdout).toMatch(/^Nothing to re-encrypt/);
    expect((await keys('retire', '--all-empty', '--yes', '--actor', 'ada')).code).toBe(0);
    const [last] = JSON.parse((await keys('audit', '--json', '--limit', '1')).stdout) as unknown[];
    expect(last).toMatchObject({ actor: 'ada', action: 'retire', from: 'decrypt_only', to: 'retired' });
  });

  it('plan without writing', async () => {
    const before = await replica.dataSource.getRepository(DataKeyEntity).find({ order: { id: 'ASC' } });
    const { code, stdout } = await keys('plan');
    expect(code).toBe(0);
    expect(stdout).toMatch(/replace 2 active data keys and seal 8 token sets again/);
    expect(stdout).toMatch(/Nothing was written\.\n$/);
    expect(await replica.dataSource.getRepository(DataKeyEntity).find({ order: { id: 'ASC' } })).toEqual(
      before,
    );
  });

  it.each([
    [['retire', '00000000-0000-4000-8000-000000000000'], /^KEY_UNKNOWN: /],
    [['restore', 'no id at all'], /^KEY_UNKNOWN: /],
    [['shred-tenant', 'nobody'], /^Tenant "nobody" has no data key/],
    [['rotate', '--actor', 'x'.repeat(65)], /^INPUT_INVALID: actor/],
  ])('refuse %j', async (args, fault) => {
    const { code, stderr } = await keys(...args, '--yes');
    expect(code).toBe(1);
    expect(stderr).toMatch(fault);
  });

  it('leave a row that cannot be opened as it is, name it, and end with 3', async () => {
    const rows = replica.dataSource.getRepository(TokenEntity);
    const row = await rows.findOneByOrFail({ tenantId: 'umbrella', userId: 'user-2' });
    const broken = `${row.accessCt!.slice(0, -4)}AAAA`;
    await rows.update({ id: row.id }, { accessCt: broken });
    const rotated = await keys('rotate', '--tenant', 'umbrella', '--yes');
    expect(rotated.code).toBe(3);
    expect(rotated.stdout).toMatch(/Re-encrypted 2 rows: no row that can be opened is left/);
    expect(rotated.stdout).toContain(`- row ${row.id}: AUTH_FAILED`);
    const look = await keys('status');
    expect(look.code).toBe(3);
    expect(look.stdout).toMatch(/NEEDS ATTENTION\n- 1 row cannot be opened/);
    expect((await rows.findOneByOrFail({ id: row.id })).accessCt).toBe(broken);
    await rows.update({ id: row.id }, { accessCt: row.accessCt });
    expect((await keys('reencrypt', '--quarantined')).code).toBe(0);
    expect((await keys('status')).code).toBe(0);
  });

  it('look again and again with --watch, until Ctrl-C', async () => {
    const child = directory.start('keys', 'status', '--json', '--watch', '1');
    const ended = outcome(child);
    let looks = 0;
    child.stdout!.on('data', (chunk: Buffer) => {
      looks += chunk.toString().match(/"now"/g)?.length ?? 0;
      if (looks >= 2) child.kill('SIGINT');
    });
    expect((await ended).code).toBe(0);
  });

  it('do nothing with another key under a known id, and do not make it known as the right one', async () => {
    const rows = replica.dataSource.getRepository(KekEntity);
    // As after an upgrade, before the first replica has come up.
    await rows.clear();
    directory.write('keyring', freshKeyring('1'));
    const looks = [await keys('status'), await keys('plan'), await keys('rotate', '--yes')];
    directory.write('keyring', keyring);
    const planted = await rows.find();
    for (const { code, stdout, stderr } of looks) {
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toMatch(/^KEK_UNWRAP_FAILED: .*\nNothing was done: these are not the keys/);
    }
    // If there is one again, the live replica has planted it, which holds the right key.
    await expect
      .poll(async () => {
        const [live] = await replica.dataSource.getRepository(ReplicaEntity).find();
        return planted.every(({ id, canaryId }) => live!.kekIds.includes(`${id} ${canaryId}`));
      })
      .toBe(true);
  });

  it('try a keyring before it is deployed, and leave no trace of it', async () => {
    const tables = ['tokenward_data_keys', 'tokenward_keks', 'tokenward_replicas', 'tokenward_key_audit'];
    const contents = () =>
      Promise.all(tables.map((name) => replica.dataSource.query(`SELECT COUNT(*) AS n FROM ${name}`)));
    // The live replica puts its canary back, where a test before has taken it away.
    await expect
      .poll(() => replica.dataSource.getRepository(KekEntity).count(), { timeout: 60_000 })
      .toBeGreaterThan(0);
    const before = await contents();
    directory.write('other', freshKeyring('2'));
    directory.write('wrong', freshKeyring('1'));
    const check = (...more: string[]): Promise<Outcome> => directory.run('keyring', 'check', ...more);
    const right = await check();
    const missing = await check('--file', 'other', '--config', 'tokenward.config.mjs');
    const wrong = await check('--file', 'wrong', '--config', 'tokenward.config.mjs');
    expect([right.code, missing.code, wrong.code]).toEqual([0, 3, 3]);
    expect(right.stdout).toMatch(/ 1 +4 +opens\n.*opens a data key of each key-encryption key/s);
    expect(missing.stdout).toMatch(/ 1 +4 +missing\n.*DO NOT DEPLOY IT/s);
    expect(wrong.stdout).toMatch(/ 1 +4 +fails\n.*is not the one that wrapped/s);
    expect(await contents()).toEqual(before);
  });

  it('try a keyring file against the database of the configuration that lies there, also unnamed', async () => {
    directory.write('wrong', freshKeyring('1'));
    const { code, stdout } = await directory.run('keyring', 'check', '--file', 'wrong');
    expect({ code, stdout }).toEqual({ code: 3, stdout: expect.stringMatching(/DO NOT DEPLOY IT/) });
  });

  it('do not take a keyring for a wrong one because a data key is damaged', async () => {
    const rows = replica.dataSource.getRepository(DataKeyEntity);
    const states = In(['active', 'decrypt_only']);
    const opening = await rows.find({ where: { state: states }, order: { id: 'ASC' } });
    const looks: Outcome[] = [];
    for (const { id, wrapped } of [opening[0]!, opening.at(-1)!]) {
      await rows.update({ id }, { wrapped: Buffer.alloc(80, 1).toString('base64url') });
      looks.push(await directory.run('keyring', 'check'));
      await rows.update({ id }, { wrapped });
    }
    for (const { code, stdout } of looks)
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/ 1 +4 +opens\n/) });
  });
});

describe('Ctrl-C during a re-encryption', () => {
  it('stops it between two batches, says that nothing is lost, and the next run goes on', async () => {
    const directory = new CliDirectory();
    const database = await createDatabase('sqlite');
    const keyring = freshKeyring('1');
    directory.write('keyring', keyring);
    directory.configure(database.options, "{ keyring: { file: 'keyring' } }, rotation: { batchSize: 1 }");
    const replica = await startReplica(database, options(keyring));
    await logIn(replica, 'acme', 200);

    const child = directory.start('keys', 'rotate', '--yes');
    const ended = outcome(child);
    child.stdout!.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Rotated')) child.kill('SIGINT');
    });
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped. What was moved stays moved/);
    const left = JSON.parse((await directory.run('keys', 'status', '--json')).stdout) as KeyStatus;
    expect(left.reencryption.rowsLeft).toBeGreaterThan(0);
    expect((await directory.run('keys', 'reencrypt')).stdout).toBe(
      `Re-encrypted ${left.reencryption.rowsLeft.toLocaleString('en-US')} rows: no row is left under an old key.\n`,
    );
    await replica.close();
    await database.drop();
    directory.remove();
  });
});

describe('npm run tokenward', () => {
  it('works on the database and the keyring of the reference app', async () => {
    const database = await createDatabase('sqlite');
    const keyring = freshKeyring('1');
    const replica = await startReplica(database, options(keyring));
    await logIn(replica, 'default', 1);
    const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'tokenward', '--', 'keys', 'status'], {
      cwd: join(import.meta.dirname, '..', '..'),
      env: {
        ...process.env,
        DATABASE_URL: `sqlite:${database.options.database as string}`,
        TOKEN_KEYRING: keyring,
      },
    });
    expect(stdout).toMatch(/All is well\.\n$/);
    await replica.close();
    await database.drop();
  });
});

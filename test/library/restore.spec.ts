import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import {
  LineageEntity,
  ReauthorizationRequiredError,
  TokenEntity,
  type TokenModuleOptions,
  type TokenRef,
} from '@tokenward/nestjs';
import {
  ageTokens,
  type AuthorizationServer,
  DatabaseFaults,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { CliDirectory } from '../support/cli.js';
import { type Backup, backUp } from '../support/copied-database.js';
import {
  createDatabase as databaseOf,
  describeOnEachDatabase,
  type TestDatabase,
} from '../support/database.js';

const ada: TokenRef = { userId: 'ada', provider: 'acme' };
const bob: TokenRef = { userId: 'bob', provider: 'acme' };
const HELD = { code: 'REAUTHORIZATION_REQUIRED', reason: 'held_after_restore' };
const keyring = freshKeyring();

const optionsOf = (
  server: AuthorizationServer,
  refresh: TokenModuleOptions['refresh'] = {},
): TokenModuleOptions => ({
  providers: {
    acme: server.provider,
    lasting: {
      ...server.provider,
      profile: { source: 'https://id.example.com/docs', rotatesRefreshTokens: false },
    },
  },
  encryption: { keyring },
  refresh: { ahead: false, ...refresh },
  cleanup: false,
  revocation: false,
  rotation: false,
  cache: false,
});

const detected = (...replicas: Replica[]): number =>
  replicas.flatMap(({ events }) => events.filter(({ type }) => type === 'restore_detected')).length;

/** What people and platforms do to a table and its files, without another one being there afterwards. */
async function maintain({ dataSource }: Replica): Promise<void> {
  if (dataSource.options.type === 'postgres')
    return void (await dataSource.query('VACUUM FULL tokenward_lineage'));
  // Its statement about itself is an error, and changes nothing.
  await dataSource.query('OPTIMIZE TABLE tokenward_lineage');
  const [{ directory, name }] = (await dataSource.query(
    'SELECT @@datadir AS directory, DATABASE() AS name',
  )) as [{ directory: string; name: string }];
  // As another owner does, it changes the time that the server takes for the table's creation.
  utimesSync(join(directory, name, 'tokenward_lineage.ibd'), new Date(), new Date());
  await dataSource.query('FLUSH TABLES');
}

describeOnEachDatabase(
  'A restored backup',
  ({ createDatabase }) => {
    let server: AuthorizationServer;
    let database: TestDatabase;
    let backup: Backup;
    let copy: TestDatabase;
    const replicas: Replica[] = [];

    const start = async (
      where: TestDatabase,
      refresh: TokenModuleOptions['refresh'] = {},
    ): Promise<Replica> => {
      const replica = await startReplica(where, optionsOf(server, refresh));
      replicas.push(replica);
      return replica;
    };
    const close = async (): Promise<void> => {
      for (const replica of replicas.splice(0)) await replica.close();
    };
    const login = async ({ tokens }: Replica, ref: TokenRef) =>
      tokens.storeTokens(ref, { ...(await server.mint(ref.userId)) });

    // Ada's refresh token is replaced after the backup, Bob's is not.
    beforeEach(async () => {
      server = await startAuthorizationServer({ mode: 'strict' });
      database = await createDatabase();
      const before = await start(database);
      for (const ref of [ada, bob, { ...bob, provider: 'lasting' }]) await login(before, ref);
      await close();
      backup = await backUp(database);
      await (await start(database)).tokens.refreshTokens(ada);
      await close();
      copy = await backup.restoreElsewhere();
    });
    afterEach(async () => {
      await close();
      await copy.drop();
      await backup.remove();
      await database.drop();
      await server.stop();
    });

    it('presents no refresh token of before; valid access tokens are served, and the rows stay as they are', async () => {
      const replica = await start(copy);
      const rows = replica.dataSource.getRepository(TokenEntity);
      const before = await rows.find();
      expect(detected(replica)).toBe(1);
      for (const ref of [ada, bob])
        await expect(replica.tokens.refreshTokens(ref)).rejects.toMatchObject(HELD);
      await expect(replica.tokens.getAccessToken(ada, { minTtlSeconds: 150 })).resolves.toBeDefined();
      // Asked for earlier than it lasts, what is valid serves to its end.
      await ageTokens(replica.dataSource, 280);
      await expect(replica.tokens.getAccessToken(ada, { minTtlSeconds: 60 })).resolves.toBeDefined();
      await ageTokens(replica.dataSource, 30);
      await expect(replica.tokens.getAccessToken(ada)).rejects.toBeInstanceOf(ReauthorizationRequiredError);
      expect(server.oracle).toMatchObject({ exchanges: 1, reuses: 0 });
      const stateOf = ({ status, refreshCt, generation, failures }: TokenEntity) => [
        status,
        refreshCt,
        generation,
        failures,
      ];
      expect((await rows.find()).map(stateOf)).toEqual(before.map(stateOf));
    });

    it('is not what the maintenance of a table or of its files is taken for', async () => {
      const replica = await start(database);
      await maintain(replica);
      await close();
      const after = await start(database);
      expect(detected(after)).toBe(0);
      await after.tokens.refreshTokens(bob);
    });

    it('in place of the database of before is noticed as well', async () => {
      await backup.restoreInPlace();
      const replica = await start(database);
      await expect(replica.tokens.refreshTokens(ada)).rejects.toMatchObject(HELD);
      expect(server.oracle.reuses).toBe(0);
    });

    it('holds nobody who logs in again, and no refresh token that goes on working', async () => {
      const replica = await start(copy);
      await login(replica, ada);
      await expect(replica.tokens.refreshTokens(ada)).resolves.toBeDefined();
      await expect(replica.tokens.refreshTokens({ ...bob, provider: 'lasting' })).resolves.toBeDefined();
      expect(server.oracle.reuses).toBe(0);
    });

    it('does not let a log-in without a refresh token pass off the old one as new', async () => {
      const replica = await start(copy);
      const { refresh_token: _none, ...answer } = await server.mint('ada');
      await replica.tokens.storeTokens(ada, answer);
      await expect(replica.tokens.refreshTokens(ada)).rejects.toBeInstanceOf(ReauthorizationRequiredError);
      expect(server.oracle.reuses).toBe(0);
    });

    it('is left alone by the refresh ahead of expiry, which goes on with the others', async () => {
      const replica = await start(copy);
      await login(replica, { ...ada, account: 'new' });
      await ageTokens(replica.dataSource, 290);
      const rows = replica.dataSource.getRepository(TokenEntity);
      const dueOf = async () =>
        (await rows.findOneByOrFail({ userId: 'bob', provider: 'acme' })).refreshAfter;
      const due = await dueOf();
      // The new log-in, and the one whose provider never replaces a refresh token.
      expect(await replica.maintenance.refreshAhead()).toBe(2);
      expect(await dueOf()).toBe(due);
      expect(server.oracle.reuses).toBe(0);
    });

    it('is released by hand: on all replicas at once, and in the audit trail', async () => {
      const [replica, other] = [await start(copy), await start(copy)];
      expect(await replica.maintenance.releaseHeld({ actor: 'on-call' })).toBe(3);
      await expect(other.tokens.refreshTokens(bob)).resolves.toBeDefined();
      // That is what it was held for.
      await expect(other.tokens.refreshTokens(ada)).rejects.toMatchObject({ reason: 'invalid_grant' });
      expect(server.oracle.reuses).toBe(1);
      const [entry] = await replica.keys.audit({ limit: 1 });
      expect(entry).toMatchObject({ actor: 'on-call', action: 'release_held', to: 'presented' });
      expect(await replica.maintenance.releaseHeld()).toBe(0);
      await close();
      const later = await start(copy);
      expect(detected(later)).toBe(0);
      await expect(later.tokens.refreshTokens(bob)).resolves.toBeDefined();
    });

    it('is shown by the command line, which releases it after it has asked', async () => {
      const directory = new CliDirectory();
      directory.configure(copy.options, `{ keyring: '${keyring}' }`);
      try {
        expect(await directory.run('refresh', 'status')).toMatchObject({
          code: 3,
          stdout: expect.stringMatching(/no replica has started on it yet/) as string,
        });
        const replica = await start(copy);
        const status = await directory.run('refresh', 'status');
        expect(status.code).toBe(3);
        expect(status.stdout).toMatch(
          /^Refresh tokens from before .* UTC are held\.\n.*\nacme +2\nlasting +1\n/,
        );
        const refused = await directory.runInTerminal(['refresh', 'release'], ['yes']);
        expect(refused).toMatchObject({
          code: 1,
          stdout: expect.stringMatching(/Nothing was changed/) as string,
        });
        await expect(replica.tokens.refreshTokens(bob)).rejects.toMatchObject(HELD);
        const released = await directory.runInTerminal(
          ['refresh', 'release', '--actor', 'on-call'],
          ['release'],
        );
        expect(released).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/Released 3 token sets/) as string,
        });
        await expect(replica.tokens.refreshTokens(bob)).resolves.toBeDefined();
        expect((await replica.keys.audit({ limit: 1 }))[0]).toMatchObject({ actor: 'on-call' });
        expect(await directory.run('refresh', 'status', '--json')).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/"heldBefore": null/) as string,
        });
      } finally {
        directory.remove();
      }
    });

    it('calls for nobody any more when all users have logged in again', async () => {
      const directory = new CliDirectory();
      directory.configure(copy.options, `{ keyring: '${keyring}' }`);
      try {
        const replica = await start(copy);
        for (const ref of [ada, bob, { ...bob, provider: 'lasting' }]) await login(replica, ref);
        expect(await directory.run('refresh', 'status')).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/are held\. None is left\./) as string,
        });
      } finally {
        directory.remove();
      }
    });

    it('can be released before the first replica starts on it', async () => {
      const directory = new CliDirectory();
      directory.configure(copy.options, `{ keyring: '${keyring}' }`);
      const { code } = await directory.run('refresh', 'release', '--yes');
      directory.remove();
      expect(code).toBe(0);
      const replica = await start(copy);
      expect(detected(replica)).toBe(0);
      await expect(replica.tokens.refreshTokens(bob)).resolves.toBeDefined();
    });

    it('is found by one of two replicas that start at once, and held by both', async () => {
      const both = await Promise.all([start(copy), start(copy)]);
      expect(detected(...both)).toBe(1);
      for (const { tokens } of both) await expect(tokens.refreshTokens(ada)).rejects.toMatchObject(HELD);
      expect(server.oracle.reuses).toBe(0);
    });

    it('is presented where refresh.afterRestore is "present", from the first start on', async () => {
      const replica = await start(copy, { afterRestore: 'present' });
      expect(detected(replica)).toBe(1);
      await expect(replica.tokens.refreshTokens(bob)).resolves.toBeDefined();
    });

    it('while replicas run is not claimed by them, whoever has noticed', async () => {
      const replica = await start(database);
      const lineage = replica.dataSource.getRepository(LineageEntity);
      const { identity } = await lineage.findOneByOrFail({ onlyOne: 1 });
      await lineage.update({ onlyOne: 1 }, { identity: 'of another server' });
      await expect(replica.tokens.refreshTokens(bob)).rejects.toMatchObject(HELD);
      expect(await lineage.findOneByOrFail({ onlyOne: 1 })).toMatchObject({ identity });
      expect(server.oracle.exchanges).toBe(1);
    });

    it('that comes between a look and a claim is not claimed in', async () => {
      const replica = await start(database);
      const { reached, release } = new DatabaseFaults(replica.dataSource).hold(/SET claim_id = /);
      const refreshing = replica.tokens.refreshTokens(bob);
      await reached;
      // As another replica would have noted it, and as one that has not: the claim is refused for either.
      const another = await start(database);
      await another.dataSource
        .getRepository(LineageEntity)
        .update({ onlyOne: 1 }, { heldBefore: Date.now() });
      release();
      await expect(refreshing).rejects.toMatchObject(HELD);
      expect(server.oracle.exchanges).toBe(1);
    });

    it('of a server whose clock was ahead is held as well', async () => {
      const source = await new DataSource(copy.options).initialize();
      await source.query('UPDATE tokenward_tokens SET refreshed_at = refreshed_at + 60000');
      await source.destroy();
      const replica = await start(copy);
      await expect(replica.tokens.refreshTokens(ada)).rejects.toMatchObject(HELD);
      expect(server.oracle.reuses).toBe(0);
    });

    it('is none: an installation that is upgraded, a restart, and a database that is used as before', async () => {
      const source = new DataSource(database.options);
      await source.initialize();
      await source.query('DROP TABLE tokenward_lineage');
      await source.query("DELETE FROM migrations WHERE name LIKE 'AddLineage%'");
      await source.destroy();
      for (let starts = 0; starts < 2; starts++) {
        const replica = await start(database);
        expect(detected(replica)).toBe(0);
        for (const ref of [ada, bob]) await expect(replica.tokens.refreshTokens(ref)).resolves.toBeDefined();
        await close();
      }
      expect(server.oracle.reuses).toBe(0);
    });
  },
  ['postgres', 'mariadb'],
);

describe('A dump that replaces the tables of the same PostgreSQL database', () => {
  it('is noticed: they are other tables', async () => {
    const server = await startAuthorizationServer({ mode: 'strict' });
    const database = await databaseOf('postgres');
    const first = await startReplica(database, optionsOf(server));
    await first.tokens.storeTokens(ada, { ...(await server.mint('ada')) });
    await first.close();
    // As `pg_restore --clean` does it, whose program is not installed with the server.
    const source = await new DataSource(database.options).initialize();
    await source.query('CREATE TABLE anew (LIKE tokenward_lineage INCLUDING ALL)');
    await source.query('INSERT INTO anew SELECT * FROM tokenward_lineage');
    await source.query('DROP TABLE tokenward_lineage');
    await source.query('ALTER TABLE anew RENAME TO tokenward_lineage');
    await source.destroy();
    const replica = await startReplica(database, optionsOf(server));
    await expect(replica.tokens.refreshTokens(ada)).rejects.toMatchObject(HELD);
    await replica.close();
    await database.drop();
    await server.stop();
  });
});

describe('A PostgreSQL that does not tell its identity to the role of the application', () => {
  it('serves as before, and the replica says that it would not notice', async () => {
    const server = await startAuthorizationServer({ mode: 'strict' });
    const database = await databaseOf('postgres');
    const { database: name } = database.options as { database: string };
    const admin = await new DataSource(database.options).initialize();
    const role = `role_${name}`;
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'plain'`);
    await admin.query(`GRANT ALL ON SCHEMA public TO ${role}`);
    await admin.query('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
    const plain = { ...database.options, username: role, password: 'plain' } as DataSourceOptions;
    const replica = await startReplica({ ...database, options: plain }, optionsOf(server));
    await replica.tokens.storeTokens(ada, { ...(await server.mint('ada')) });
    await expect(replica.tokens.refreshTokens(ada)).resolves.toBeDefined();
    const blind = /does not tell its identity \(42501\)/;
    expect(replica.events).toContainEqual(
      expect.objectContaining({ type: 'lineage_checked', blind: expect.stringMatching(blind) as string }),
    );
    await replica.close();
    // Once it does, that is no other database.
    await admin.query('GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC');
    const seeing = await startReplica({ ...database, options: plain }, optionsOf(server));
    expect(detected(seeing)).toBe(0);
    await expect(seeing.tokens.refreshTokens(ada)).resolves.toBeDefined();
    await seeing.close();
    await admin.query(`DROP OWNED BY ${role}`);
    await admin.query(`DROP ROLE ${role}`);
    await admin.destroy();
    await database.drop();
    await server.stop();
  });
});

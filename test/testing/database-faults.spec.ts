import { TokenNotFoundError, type TokenRef } from '@tokenward/nestjs';
import {
  type AuthorizationServer,
  DatabaseFaults,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';

describeOnEachDatabase('A fault of the database', ({ createDatabase }) => {
  const ref: TokenRef = { userId: 'ada', provider: 'acme' };
  let server: AuthorizationServer;
  let database: TestDatabase;
  let replica: Replica;
  let faults: DatabaseFaults;

  beforeEach(async () => {
    server = await startAuthorizationServer({ mode: 'strict' });
    database = await createDatabase();
    replica = await startReplica(database, {
      providers: { acme: server.provider },
      encryption: { keyring: freshKeyring() },
      refresh: { ahead: false },
      cleanup: false,
      rotation: false,
      cache: false,
    });
    await replica.tokens.storeTokens(ref, { ...(await server.mint('ada')) });
    faults = new DatabaseFaults(replica.dataSource);
  });
  afterEach(async () => {
    await replica.close();
    await database.drop();
    await server.stop();
  });

  const count = async (): Promise<number> =>
    Number((await replica.dataSource.query('SELECT count(*) AS n FROM tokenward_tokens'))[0].n);

  it('meets the read of every request, once', async () => {
    faults.fail(/SELECT .* FROM \W?tokenward_tokens/s, 'before');
    await expect(replica.tokens.getAccessToken(ref)).rejects.toThrow('connection terminated');
    expect((await replica.tokens.getAccessToken(ref)).value).toBeTruthy();
  });

  it('before the statement leaves everything as it was, after it only loses the answer', async () => {
    const remove = "DELETE FROM tokenward_tokens WHERE user_id = 'ada'";
    faults.fail(/DELETE/, 'before');
    await expect(replica.dataSource.query(remove)).rejects.toThrow('connection terminated');
    expect(await count()).toBe(1);
    faults.fail(/DELETE/, 'after');
    await expect(replica.dataSource.query(remove)).rejects.toThrow('connection terminated');
    expect(await count()).toBe(0);
    await expect(replica.tokens.getAccessToken(ref)).rejects.toThrow(TokenNotFoundError);
  });

  it('meets a share of all statements, before or after they have done their work, until the end', async () => {
    faults.failAtRandom(1);
    const remove = (name: string) =>
      replica.dataSource.query(`DELETE FROM tokenward_tokens WHERE user_id = '${name}'`);
    for (let turn = 0; turn < 60; turn++)
      await expect(remove('ada')).rejects.toThrow('connection terminated');
    faults.failAtRandom(0);
    expect(await count(), 'one of so many has done its work').toBe(0);
    faults.failAtRandom(1);
    faults.clear();
    await remove('ada');
    expect(() => faults.failAtRandom(20)).toThrow('a share is a number from 0 to 1, not 20');
  });

  it('holds a statement until it is released', async () => {
    const { reached, release } = faults.hold(/DELETE/);
    const removing = replica.dataSource.query('DELETE FROM tokenward_tokens');
    await reached;
    expect(await count()).toBe(1);
    release();
    await removing;
    expect(await count()).toBe(0);
  });

  it('can be called off, and what is held goes on', async () => {
    faults.fail(/SELECT/, 'before');
    const { reached } = faults.hold(/DELETE/);
    const removing = replica.dataSource.query('DELETE FROM tokenward_tokens');
    await reached;
    faults.clear();
    await removing;
    expect(await count()).toBe(0);
  });
});

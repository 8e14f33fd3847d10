import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenEntity, type TokenModuleOptions, TokenNotFoundError, type TokenRef } from '@tokenward/nestjs';
import {
  type AuthorizationServer,
  DatabaseFaults,
  hashOf,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';

const COMMIT = /UPDATE .* SET status = 'active', generation/s;
const FOR_LONG = 50;
const keyring = freshKeyring();

describeOnEachDatabase('The spool', ({ createDatabase }) => {
  const ada: TokenRef = { userId: 'ada', provider: 'acme' };
  let server: AuthorizationServer;
  let database: TestDatabase;
  let parent: string;
  let directory: string;
  let witness: Replica;
  const replicas: Replica[] = [];

  const options = (refresh: TokenModuleOptions['refresh'] = {}): TokenModuleOptions => ({
    providers: { acme: server.provider },
    encryption: { keyring },
    refresh: { ahead: false, ...refresh },
    cleanup: false,
    revocation: false,
    rotation: false,
    cache: false,
  });
  const start = async (more: TokenModuleOptions['refresh'] = {}): Promise<Replica> => {
    const replica = await startReplica(database, options({ spoolDirectory: directory, ...more }));
    replicas.push(replica);
    return replica;
  };

  beforeEach(async () => {
    server = await startAuthorizationServer({ mode: 'strict' });
    database = await createDatabase();
    parent = await mkdtemp(join(tmpdir(), 'tokenward-spool-'));
    directory = join(parent, 'of', 'tokenward');
    witness = await startReplica(database, options());
    await login(ada);
  });
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica.close();
    await witness.close();
    await database.drop();
    await server.stop();
    await rm(parent, { recursive: true });
  });

  const login = async (ref: TokenRef) =>
    witness.tokens.storeTokens(ref, { ...(await server.mint(ref.userId)) });
  const rowOf = async (ref: TokenRef) => (await witness.tokens.listTokens(ref))[0]!;
  const files = () => readdir(directory);
  const outcomesOf = ({ events }: Replica) =>
    events.flatMap((event) => (event.type === 'answer_spooled' ? [event.outcome] : []));
  const assertAlive = async (ref: TokenRef): Promise<void> => {
    expect(server.oracle.aliveRefreshTokens()).toContain(
      (await witness.tokens.getTokens(ref))?.refreshToken?.value,
    );
    expect(server.oracle.reuses).toBe(0);
  };
  /** A replica refreshes, cannot store the answers, and ends: they are in the spool and nowhere else. */
  const leaveInSpool = async (...refs: TokenRef[]): Promise<void> => {
    const replica = await start({ shutdownSeconds: 1 });
    const faults = new DatabaseFaults(replica.dataSource);
    for (let count = 0; count < FOR_LONG * refs.length; count++) faults.fail(COMMIT, 'before');
    const refreshing = refs.map((ref) =>
      expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/shutting down/),
    );
    await expect.poll(() => outcomesOf(replica)).toEqual(refs.map(() => 'written'));
    await replica.close();
    await Promise.all(refreshing);
    replicas.splice(replicas.indexOf(replica), 1);
    for (const ref of refs) expect(await rowOf(ref)).toMatchObject({ generation: 1 });
  };

  it('is made for its owner alone, and holds nothing in clear', async () => {
    const grace = { userId: 'grace.hopper@navy.example', provider: 'acme' };
    await login(grace);
    await leaveInSpool(grace);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    const [name] = await files();
    expect((await stat(join(directory, name!))).mode & 0o777).toBe(0o600);
    const text = name! + (await readFile(join(directory, name!), 'utf8'));
    for (const token of server.oracle.issued) expect(text).not.toContain(token);
    expect(text).not.toMatch(/grace\.hopper|"acme"|openid/);
  });

  it('is empty again when the database takes the answer after all', async () => {
    const replica = await start();
    const faults = new DatabaseFaults(replica.dataSource);
    faults.fail(COMMIT, 'before');
    faults.fail(COMMIT, 'before');
    await replica.tokens.refreshTokens(ada);
    expect(outcomesOf(replica)).toEqual(['written', 'stored']);
    expect(await files()).toEqual([]);
    await assertAlive(ada);
  });

  it('is emptied by the next start, and tokens expire when the provider has meant them to', async () => {
    await leaveInSpool(ada);
    const answeredBefore = Date.now();
    const replica = await start();
    expect(outcomesOf(replica)).toEqual(['stored']);
    expect(await files()).toEqual([]);
    await assertAlive(ada);
    const { expiresAt } = (await witness.tokens.getTokens(ada))!;
    const { lifetimeSeconds } = await witness.dataSource
      .getRepository(TokenEntity)
      .findOneByOrFail({ userId: 'ada' });
    expect(expiresAt!.getTime()).toBeLessThanOrEqual(answeredBefore + lifetimeSeconds! * 1000);
    expect((await replica.tokens.refreshTokens(ada)).value).toBeTruthy();
  });

  it('is emptied in the background by a replica that shares it', async () => {
    const other = await start();
    await leaveInSpool(ada);
    await expect.poll(() => outcomesOf(other), { timeout: 90_000 }).toEqual(['stored']);
    await assertAlive(ada);
  });

  it('may be shared: two replicas that start at once store each answer once', async () => {
    const refs = Array.from({ length: 12 }, (_, index) => ({ userId: `user-${index}`, provider: 'acme' }));
    for (const ref of refs) await login(ref);
    await leaveInSpool(...refs);
    const both = await Promise.all([start(), start()]);
    await expect.poll(files, { timeout: 90_000 }).toEqual([]);
    expect(both.flatMap(outcomesOf).filter((outcome) => outcome === 'stored')).toHaveLength(refs.length);
    for (const ref of refs) {
      expect(await rowOf(ref)).toMatchObject({ status: 'active', generation: 2 });
      await assertAlive(ref);
    }
    expect(server.oracle.revocations).toEqual([]);
  });

  it('brings a session back that another replica has given up meanwhile', async () => {
    await leaveInSpool(ada);
    await witness.dataSource.query("UPDATE tokenward_tokens SET claimed_at = 1 WHERE user_id = 'ada'");
    await expect(witness.tokens.refreshTokens(ada)).rejects.toMatchObject({
      code: 'REAUTHORIZATION_REQUIRED',
    });
    await start();
    expect(await rowOf(ada)).toMatchObject({ status: 'active', generation: 2 });
    await assertAlive(ada);
  });

  it('has refresh tokens revoked whose users have logged out meanwhile', async () => {
    await leaveInSpool(ada);
    await witness.tokens.revokeTokens(ada);
    const { length } = server.oracle.revocations;
    expect(outcomesOf(await start())).toEqual(['revoked']);
    expect(server.oracle.revocations.slice(length)).toMatchObject([{ outcome: 'ok' }]);
    expect(server.oracle.aliveRefreshTokens()).toEqual([]);
    await expect(witness.tokens.getAccessToken(ada)).rejects.toThrow(TokenNotFoundError);
    expect(await files()).toEqual([]);
  });

  it('drops an answer that a new log-in has made worthless, and leaves that log-in alone', async () => {
    await leaveInSpool(ada);
    await login(ada);
    const { length } = server.oracle.revocations;
    expect(outcomesOf(await start())).toEqual(['superseded']);
    expect(server.oracle.revocations).toHaveLength(length);
    await assertAlive(ada);
    expect(await files()).toEqual([]);
  });

  it('can be read although its data key was retired since', async () => {
    await leaveInSpool(ada);
    const old = (await witness.keys.status()).dataKeys.find(({ state }) => state === 'active')!;
    await witness.keys.rotate();
    await witness.dataSource.query('UPDATE tokenward_tokens SET claimed_at = 1');
    await witness.maintenance.reencrypt();
    await witness.keys.retire(old.id);
    expect(outcomesOf(await start())).toEqual(['stored']);
    await assertAlive(ada);
  });

  it('keeps files that it cannot use, says so, and goes on with the others', async () => {
    const refs = ['bob', 'eve', 'kim'].map((userId) => ({ userId, provider: 'acme' }));
    for (const ref of refs) await login(ref);
    await leaveInSpool(ada, ...refs);
    const [cut, changed, renamed] = (await files()).map((name) => join(directory, name));
    await writeFile(cut!, (await readFile(cut!, 'utf8')).slice(0, -20));
    const { sealed, ...file } = JSON.parse(await readFile(changed!, 'utf8'));
    const facts = `${sealed.facts.slice(0, -6)}AAAAAA`;
    await writeFile(changed!, JSON.stringify({ ...file, sealed: { ...sealed, facts } }));
    const elsewhere = join(directory, '00000000-0000-4000-8000-000000000000.spool');
    await rename(renamed!, elsewhere);
    const before = await Promise.all([cut, changed, elsewhere].map((path) => readFile(path!, 'utf8')));
    const replica = await start();
    expect(outcomesOf(replica)).toEqual(['stored']);
    const reasons = replica.events.flatMap((event) =>
      event.type === 'spool_file_unreadable' ? [event.reason] : [],
    );
    expect(reasons.toSorted()).toEqual(['AUTH_FAILED', 'NOT_JSON', 'SHAPE_INVALID']);
    expect(await Promise.all([cut, changed, elsewhere].map((path) => readFile(path!, 'utf8')))).toEqual(
      before,
    );
    expect(await files()).toHaveLength(3);
    // Put right, it is as good as it was.
    await rename(elsewhere, renamed!);
    await expect.poll(() => outcomesOf(replica), { timeout: 90_000 }).toEqual(['stored', 'stored']);
  });

  it('leaves the files of another database alone', async () => {
    await leaveInSpool(ada);
    const other = await createDatabase();
    const stranger = await startReplica(other, options({ spoolDirectory: directory }));
    expect(stranger.events).toContainEqual(
      expect.objectContaining({ type: 'spool_file_unreadable', reason: 'KEY_NOT_FOUND' }),
    );
    await stranger.close();
    await other.drop();
    expect(server.oracle.revocations).toEqual([]);
    expect(outcomesOf(await start())).toEqual(['stored']);
    await assertAlive(ada);
  });

  it('may disappear: refreshes go on, and the answer waits in memory until the database takes it', async () => {
    const replica = await start();
    await rm(directory, { recursive: true });
    const faults = new DatabaseFaults(replica.dataSource);
    faults.fail(COMMIT, 'before');
    await replica.tokens.refreshTokens(ada);
    expect(outcomesOf(replica)).toEqual(['failed']);
    expect(replica.events).toContainEqual({
      type: 'spool_checked',
      fault: 'ENOENT',
      waiting: 0,
      unreadable: 0,
    });
    await assertAlive(ada);
    expect(hashOf((await witness.tokens.getTokens(ada))!.refreshToken!.value)).toBeTruthy();
  });
});

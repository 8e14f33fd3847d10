import type { TokenModuleOptions } from '@tokenward/nestjs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { type Bundle, bundleProcess } from '../support/rotation/bundle.js';
import { Member } from '../support/rotation/member.js';
import { interceptWrites } from '../support/rotation/statements.js';

const TENANTS = ['acme', 'umbrella'];
const LOST = 'connection terminated';
const USERS = ['ada', 'eve', 'bob'];
const everybody = TENANTS.flatMap((tenantId) =>
  USERS.map((userId) => ({ tenantId, userId, provider: PROVIDER })),
);

describeOnEachDatabase('A rotation', ({ createDatabase }) => {
  let bundle: Bundle;
  let database: TestDatabase;
  let options: TokenModuleOptions;

  beforeAll(async () => {
    bundle = await bundleProcess('replica.process');
  });
  afterAll(() => bundle.remove());
  beforeEach(async () => {
    database = await createDatabase();
    options = {
      providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
      encryption: { keyring: freshKeyring() },
      refresh: { ahead: false },
      cleanup: false,
      rotation: { batchSize: 2, cron: '0 0 0 1 1 *' },
      cache: false,
    };
    await withReplica(async ({ tokens }) => {
      for (const ref of everybody)
        await tokens.storeTokens(ref, {
          access_token: `at.${ref.userId}`,
          refresh_token: `rt.${ref.userId}`,
        });
    });
  });
  afterEach(() => database.drop());

  async function withReplica<T>(use: (replica: Replica) => Promise<T>): Promise<T> {
    const replica = await startReplica(database, options);
    try {
      return await use(replica);
    } finally {
      await replica.close();
    }
  }

  async function rotateAndRetire({ keys, maintenance }: Replica): Promise<void> {
    await keys.rotate();
    await finish({ keys, maintenance });
  }

  async function finish({ keys, maintenance }: Pick<Replica, 'keys' | 'maintenance'>): Promise<void> {
    await maintenance.reencrypt();
    for (const { id } of (await keys.plan()).retire) await keys.retire(id);
  }

  async function expectAllThere({ tokens, keys }: Replica): Promise<void> {
    for (const ref of everybody) {
      const found = await tokens.getTokens(ref);
      expect([found?.accessToken.value, found?.refreshToken?.value]).toEqual([
        `at.${ref.userId}`,
        `rt.${ref.userId}`,
      ]);
    }
    const active = (await keys.status()).dataKeys.filter(({ state }) => state === 'active');
    expect(active.map(({ tenantId }) => tenantId).toSorted()).toEqual(TENANTS);
  }

  it('that loses its database at any of its writes fails, loses nothing, and the next run finishes it', async () => {
    const failures: string[] = [];
    for (const when of ['before', 'after'] as const) {
      let failure: string | null = '';
      for (let write = 0; failure !== null; write++) {
        failure = await withReplica((replica) => rotateAndLose(replica, when, write));
        if (failure !== null) failures.push(failure);
        await withReplica(async (next) => {
          await expectAllThere(next);
          await finish(next);
          await expectAllThere(next);
          const { states, dataKeys } = await next.keys.status();
          expect(states.decrypt_only).toBe(0);
          expect(dataKeys.filter(({ rows }) => rows > 0).map(({ state, rows }) => [state, rows])).toEqual([
            ['active', USERS.length],
            ['active', USERS.length],
          ]);
        });
      }
    }
    // Keys made and put in place, batches moved, keys retired, each with its audit entries.
    expect(failures.length).toBeGreaterThan(40);
    expect(new Set(failures)).toEqual(new Set([LOST]));
  }, 240_000);

  /** How it has failed; null if it has come to its end without that write. */
  async function rotateAndLose(
    replica: Replica,
    when: 'before' | 'after',
    write: number,
  ): Promise<string | null> {
    let count = 0;
    const loseAt = (moment: 'before' | 'after') => (): void => {
      if (moment === when && count++ === write) throw new Error(LOST);
    };
    interceptWrites(replica.dataSource, loseAt('before'), loseAt('after'));
    return rotateAndRetire(replica).then(
      () => null,
      (error: Error) => error.message,
    );
  }

  it('that two processes begin at the same time gives each tenant one new key', async () => {
    await withReplica(async (observer) => {
      const before = new Set((await observer.keys.status()).dataKeys.map(({ id }) => id));
      const members = await Promise.all(
        [1, 2].map(() =>
          new Member(bundle.file).begin({ database: database.options, options }, () => undefined),
        ),
      );
      const results = await Promise.all(members.map((member) => member.call('rotate')));
      for (const member of members) await member.leave();
      const { dataKeys, states } = await observer.keys.status();
      const active = dataKeys.filter(({ state }) => state === 'active');
      expect(active.map(({ tenantId }) => tenantId).toSorted()).toEqual(TENANTS);
      expect(active.filter(({ id }) => before.has(id))).toEqual([]);
      expect(states.pending).toBe(0);
      // Whoever was second has either put the next key in place of the first one's, or left it as it was.
      expect(states.decrypt_only).toBe(results.flatMap(({ rotated }) => rotated).length);
      await finish(observer);
      await expectAllThere(observer);
    });
  });
});

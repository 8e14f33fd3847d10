import { atLeast, exactly, none, scenario, within } from '../scenario.js';
import { percentile } from '../stage/measure.js';
import { IdleTransactions } from '../stage/idle-transactions.js';
import { until } from '../stage/wait.js';

const QUERY_EVERY_MS = 10;
const LIFETIME_SECONDS = 300;

export const smallPool = scenario({
  line: 15,
  name: 'a pool of 2, a provider that takes 5 s, 5,000 waiters',
  expected: "0 'idle in transaction' > 50 ms; p99 of an unrelated query < 50 ms",
  short: { waiters: 400, users: 20, latencyMs: 500, idleMs: 1_000 },
  long: { waiters: 5_000, users: 100, latencyMs: 5_000, idleMs: 50 },
  async play(stage, { waiters, users, latencyMs, idleMs }) {
    // `poolSize` is that of PostgreSQL and of MariaDB.
    const scene = await stage.scene({}, { poolSize: 2 });
    const { server, cluster, observer } = scene;
    const refs = await scene.login(users);
    await scene.age(LIFETIME_SECONDS);
    server.faults.slowReply(latencyMs, users);
    for (const replica of cluster.replicas) await replica.call('query', QUERY_EVERY_MS);
    const idle = new IdleTransactions(observer.dataSource, idleMs);
    const storms = await Promise.all(
      cluster.replicas.map((replica) => replica.call('storm', refs, waiters / cluster.size)),
    );
    const seen = await idle.end();
    await until(() => server.oracle.exchanges >= users, 'all were refreshed');
    const queries = (await Promise.all(cluster.replicas.map((replica) => replica.call('queried')))).flat();
    return {
      runs: `${waiters} waiters, ${users} users, ${queries.length} other queries`,
      facts: [
        none(
          'failed calls',
          storms.flatMap(({ failures }) => failures),
        ),
        exactly('exchanges', server.oracle.exchanges, users),
        atLeast('looks at transactions', seen.looks, 3),
        none(`idle in transaction > ${idleMs} ms`, seen.idle),
        within('p99 of an unrelated query', percentile(queries, 0.99), 50),
      ],
    };
  },
});

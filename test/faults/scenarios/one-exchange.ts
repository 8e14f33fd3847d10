import { exactly, none, scenario, within } from '../scenario.js';
import { percentile } from '../stage/measure.js';

const LIFETIME_SECONDS = 300;

export const oneExchange = scenario({
  line: 1,
  name: 'concurrent calls at an expiry, strict provider',
  expected:
    'one exchange per user and expiry, 0 reuses, 0 failed calls; p99 of a call ≤ the provider + 100 ms',
  short: { users: 20, calls: 400, expiries: 2, latencyMs: 20 },
  long: { users: 100, calls: 10_000, expiries: 50, latencyMs: 200 },
  async play(stage, { users, calls, expiries, latencyMs }) {
    const scene = await stage.scene({
      replicas: 4,
      server: { accessTokenLifetimeSeconds: LIFETIME_SECONDS },
    });
    const { server, cluster } = scene;
    const refs = await scene.login(users);
    const milliseconds: number[] = [];
    const failures: string[] = [];
    let twoTokens = 0;
    for (let expiry = 0; expiry < expiries; expiry++) {
      await scene.age(LIFETIME_SECONDS);
      server.faults.slowReply(latencyMs, users);
      const storms = await Promise.all(
        cluster.replicas.map((replica) => replica.call('storm', refs, calls / cluster.size)),
      );
      server.faults.clear();
      const seen = new Map(refs.map(({ userId }) => [userId, new Set<string>()]));
      for (const storm of storms) {
        for (const took of storm.milliseconds) milliseconds.push(took);
        failures.push(...storm.failures);
        for (const { userId, values } of storm.seen) for (const value of values) seen.get(userId)!.add(value);
      }
      twoTokens += [...seen.values()].filter(({ size }) => size > 1).length;
    }
    return {
      runs: `${expiries} × ${calls} calls, ${users} users, ${cluster.size} processes`,
      facts: [
        exactly('exchanges', server.oracle.exchanges, users * expiries),
        exactly('reuses', server.oracle.reuses),
        none('failed calls', failures),
        exactly('users with two tokens', twoTokens),
        none('lost', await scene.lost(refs)),
        within(`p99 at ${latencyMs} ms`, percentile(milliseconds, 0.99), latencyMs + 100),
      ],
    };
  },
});

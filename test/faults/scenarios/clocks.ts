import { atLeast, atMost, exactly, none, scenario } from '../scenario.js';
import { inParallel } from '../stage/measure.js';
import { pause } from '../stage/wait.js';

const ZONES = ['UTC', 'Asia/Kathmandu', 'Pacific/Kiritimati', 'America/St_Johns'];
const AHEAD_MS = 600_000;
const EVERY_MS = 100;

export const clocks = scenario({
  line: 9,
  name: 'one of 4 replicas is 10 min ahead, then behind, all in different time zones',
  expected: '≤ 1 extra refresh per expiry, 0 expired tokens sent',
  short: { users: 5, lifetimeSeconds: 2, expiries: 1 },
  long: { users: 50, lifetimeSeconds: 10, expiries: 6 },
  async play(stage, { users, lifetimeSeconds, expiries }) {
    const [failures, expired]: [string[], string[]] = [[], []];
    let [sent, extra, exchanges, lost] = [0, 0, 0, [] as string[]];
    for (const aheadMs of [AHEAD_MS, -AHEAD_MS]) {
      const scene = await stage.scene({
        replicas: 4,
        server: { accessTokenLifetimeSeconds: lifetimeSeconds },
        // With the memory of each replica, which goes by its own clock.
        options: { cache: {} },
        orders: (slot) => ({ timeZone: ZONES[slot]!, ...(slot === 0 && { clockAheadMs: aheadMs }) }),
      });
      const { server, cluster, ledger } = scene;
      const refs = await scene.login(users);
      const end = performance.now() + lifetimeSeconds * expiries * 1000;
      while (performance.now() < end) {
        await inParallel(refs, users, async (ref) => {
          await inParallel(cluster.replicas, cluster.size, async (replica) => {
            try {
              const token = await replica.call('get', ref);
              const { status } = await fetch(`${server.issuer}/me`, {
                headers: { authorization: `Bearer ${token}` },
              });
              sent++;
              if (status !== 200) expired.push(`${ref.userId}: ${status}`);
            } catch (error) {
              failures.push((error as Error).message);
            }
          });
        });
        await pause(EVERY_MS);
      }
      await scene.atRest();
      exchanges += server.oracle.exchanges;
      lost = lost.concat(await scene.lost(refs));
      // A refresh that begins when less than half of the lifetime has gone was not due.
      const last = new Map<string, number>();
      for (const { grantId, at } of ledger.rotations) {
        const before = last.get(grantId);
        if (before !== undefined && at - before < (lifetimeSeconds * 1000) / 2) extra++;
        last.set(grantId, at);
      }
    }
    return {
      runs: `2 × ${expiries} expiries of ${users} users, ${sent} tokens sent`,
      facts: [
        none('failed calls', failures),
        none('expired tokens sent', expired),
        atLeast('exchanges', exchanges, users),
        atMost('extra refreshes', extra, 2 * users * expiries),
        exactly('lost', lost.length),
      ],
    };
  },
});

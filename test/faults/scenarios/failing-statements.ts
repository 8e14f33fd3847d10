import { atLeast, exactly, none, scenario } from '../scenario.js';
import { inParallel } from '../stage/measure.js';

const SHARE = 0.2;

export const failingStatements = scenario({
  line: 37,
  name: 'a fifth of all statements fails, half of them after the database has done its work',
  expected: '0 reuses, 0 lost refresh tokens, every call succeeds when it is repeated',
  short: { users: 20, refreshes: 2 },
  long: { users: 200, refreshes: 10 },
  async play(stage, { users, refreshes }) {
    const scene = await stage.scene({ replicas: 4 });
    const { server, cluster } = scene;
    const refs = await scene.login(users);
    let failed = 0;
    const ended: string[] = [];
    const failStatements = async (share: number): Promise<void> => {
      for (const replica of cluster.replicas) await replica.call('failStatements', share);
    };
    await failStatements(SHARE);
    for (let turn = 0; turn < refreshes; turn++)
      await inParallel(refs, 32, async (ref) => {
        const { ended: hasEnded, failures } = await scene.refreshUntilClear(ref);
        failed += failures;
        if (hasEnded) ended.push(ref.userId);
      });
    await failStatements(0);
    await scene.atRest();
    return {
      runs: `${refreshes} × ${users} refreshes in ${cluster.size} processes, ${failed} calls failed and were repeated`,
      facts: [
        atLeast('failed calls', failed, 1),
        atLeast('exchanges', server.oracle.exchanges, users * refreshes),
        exactly('reuses', server.oracle.reuses),
        none('ended', ended),
        none('lost', await scene.lost(refs)),
      ],
    };
  },
});

import { atLeast, exactly, none, scenario } from '../scenario.js';
import { inParallel, randomOf } from '../stage/measure.js';
import { until } from '../stage/wait.js';

const LATENCY_MS = 40;

export const callerAborts = scenario({
  line: 4,
  name: 'callers who abort at any time during a refresh',
  expected: '0 lost refresh tokens, 1 exchange however many abort',
  short: { users: 20, callers: 10 },
  long: { users: 1_000, callers: 10 },
  async play(stage, { users, callers }) {
    const scene = await stage.scene();
    const { server, cluster } = scene;
    const refs = await scene.login(users);
    server.faults.slowReply(LATENCY_MS, users);
    let [aborted, answered] = [0, 0];
    const failures: string[] = [];
    await inParallel(refs, 50, async (ref) => {
      const tally = await randomOf(cluster.replicas).call('abort', ref, callers, LATENCY_MS * 2);
      aborted += tally.aborted;
      answered += tally.answered;
      failures.push(...tally.failures);
    });
    // What nobody waits for any more goes on all the same.
    await until(() => server.oracle.exchanges >= users, 'every refresh has been');
    await scene.atRest();
    return {
      runs: `${users * callers} callers, ${aborted} aborts`,
      facts: [
        exactly('callers', aborted + answered, users * callers),
        atLeast('aborts', aborted, Math.ceil((users * callers) / 10)),
        none('failed calls', failures),
        exactly('exchanges', server.oracle.exchanges, users),
        exactly('reuses', server.oracle.reuses),
        none('lost', await scene.lost(refs)),
      ],
    };
  },
});

import { atLeast, exactly, none, scenario } from '../scenario.js';
import { Load } from '../stage/load.js';
import { pause } from '../stage/wait.js';

const CALLERS = 16;

export const databaseCrash = scenario({
  line: 4,
  name: 'the database server crashes under load (pg_ctl stop -m immediate, kill -9 of MariaDB)',
  expected: '0 lost refresh tokens',
  short: { crashes: 1, everyMs: 500, users: 20 },
  long: { crashes: 24, everyMs: 5_000, users: 200 },
  async play(stage, { crashes, everyMs, users }) {
    const { scene, crash, restart } = await stage.sceneOnOwnServer({ replicas: 4 });
    const { server, cluster } = scene;
    const refs = await scene.login(users);
    const load = new Load(scene, refs, CALLERS);
    for (let count = 0; count < crashes; count++) {
      await pause(everyMs);
      await crash();
      await restart();
    }
    await pause(everyMs);
    await load.end();
    await scene.atRest();
    const ended = await scene.settle(refs);
    return {
      runs: `${crashes} crashes, ${load.calls} refreshes`,
      facts: [
        atLeast('refreshes', load.calls, crashes),
        exactly('reuses', server.oracle.reuses),
        none('lost', [...ended, ...(await scene.lost(refs))]),
        exactly('processes', cluster.replicas.filter(({ isAlive }) => isAlive).length, cluster.size),
      ],
    };
  },
});

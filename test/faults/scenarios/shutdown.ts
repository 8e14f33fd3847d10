import { atLeast, exactly, none, scenario, within } from '../scenario.js';
import { Load } from '../stage/load.js';
import { monotonicMs } from '../stage/measure.js';
import { pause, until } from '../stage/wait.js';

const EXIT_MS = 15_000;

export const sigterm = scenario({
  line: 18,
  name: 'SIGTERM with refreshes in flight',
  expected: '0 lost, 0 failed calls, exit < 15 s',
  short: { users: 50, late: 10, latencyMs: 500 },
  long: { users: 500, late: 100, latencyMs: 5_000 },
  async play(stage, { users, late, latencyMs }) {
    const scene = await stage.scene();
    const { server, cluster } = scene;
    const refs = await scene.login(users);
    const lateRefs = await scene.login(late);
    server.faults.slowReply(latencyMs, users);
    const victim = cluster.at(0);
    const failures: string[] = [];
    const calls = Promise.all(
      refs.map((ref) => victim.call('refresh', ref).catch((error: Error) => failures.push(error.message))),
    );
    await until(() => server.oracle.exchanges === users, 'all are at the provider');
    cluster.vacate(0);
    const begun = monotonicMs();
    const ended = victim.terminate();
    // Whoever comes now may be turned away, but not half-way.
    const tooLate = Promise.allSettled(lateRefs.map((ref) => victim.call('refresh', ref)));
    await ended;
    const took = monotonicMs() - begun;
    await Promise.all([calls, tooLate]);
    const lost = await scene.lost([...refs, ...lateRefs]);
    await cluster.begin(0);
    return {
      runs: `${users} refreshes in flight, ${late} calls that come later`,
      facts: [
        none('lost', lost),
        none('failed calls', failures),
        exactly('reuses', server.oracle.reuses),
        none('sessions that did not go on', await scene.settle([...refs, ...lateRefs])),
        within('exit', took, EXIT_MS),
      ],
    };
  },
});

export const rollingRestart = scenario({
  line: 18,
  name: 'a rolling restart of 4 replicas under load',
  expected: '0 lost, 0 failed calls, exit < 15 s',
  short: { users: 40, callers: 6, rounds: 1, latencyMs: 20, pauseMs: 200 },
  long: { users: 500, callers: 64, rounds: 5, latencyMs: 500, pauseMs: 5_000 },
  async play(stage, { users, callers, rounds, latencyMs, pauseMs }) {
    const scene = await stage.scene({ front: true, replicas: 4 });
    const { server, cluster, front } = scene;
    stage.crew.enlist(cluster.size);
    const refs = await scene.login(users);
    front.after = () => pause(latencyMs);
    const load = new Load(scene, refs, callers);
    let slowest = 0;
    for (let round = 0; round < rounds; round++)
      for (let slot = 0; slot < cluster.size; slot++) {
        await pause(pauseMs);
        const victim = cluster.vacate(slot);
        // Whatever was sent to it has arrived.
        await victim.call('open', []);
        const begun = monotonicMs();
        await victim.terminate();
        slowest = Math.max(slowest, monotonicMs() - begun);
        await cluster.begin(slot);
        stage.crew.enlist(1);
      }
    await load.end();
    await scene.atRest();
    return {
      runs: `${rounds * cluster.size} restarts, ${load.calls} refreshes`,
      facts: [
        atLeast('refreshes', load.calls, rounds * cluster.size),
        none('lost', await scene.lost(refs)),
        none('failed calls', load.failures),
        exactly('reuses', server.oracle.reuses),
        within('slowest exit', slowest, EXIT_MS),
      ],
    };
  },
});

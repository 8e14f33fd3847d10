import { atLeast, exactly, none, scenario } from '../scenario.js';
import { inParallel } from '../stage/measure.js';
import { pause, until } from '../stage/wait.js';

export const databaseAway = scenario({
  line: 4,
  name: 'the database goes away right after the reply',
  expected: '0 lost refresh tokens',
  short: { outages: [1], users: 10 },
  long: { outages: [1, 2, 5, 10, 20, 30], users: 100 },
  async play(stage, { outages, users }) {
    const { scene, link } = await stage.sceneBehindLink({ front: true });
    const { server, front, cluster } = scene;
    let cut = 0;
    const refs = await scene.login(users);
    for (const seconds of outages) {
      // Every reply waits for the last one, and they leave when the way to the database has just been cut.
      let [replies, leave] = [0, (): void => undefined];
      const gone = new Promise<void>((resolve) => (leave = resolve));
      front.after = async () => {
        replies++;
        await gone;
      };
      const calls = inParallel(refs, users, (ref) =>
        cluster
          .any()
          .call('refresh', ref)
          .catch(() => undefined),
      );
      await until(() => replies === users, 'the provider has answered all');
      await link.cut();
      cut += replies;
      leave();
      await pause(seconds * 1000);
      await link.mend();
      await calls;
      front.after = () => undefined;
      await scene.atRest();
      await scene.endBackoff();
    }
    return {
      runs: `${outages.length} outages of up to ${Math.max(...outages)} s, ${cut} replies`,
      facts: [
        exactly('replies', cut, users * outages.length),
        atLeast('exchanges', server.oracle.exchanges, cut),
        exactly('reuses', server.oracle.reuses),
        none('lost', await scene.lost(refs)),
        exactly('processes', cluster.replicas.filter(({ isAlive }) => isAlive).length, cluster.size),
      ],
    };
  },
});

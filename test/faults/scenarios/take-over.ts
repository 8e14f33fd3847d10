import { exactly, none, scenario, within } from '../scenario.js';
import { KilledError } from '../stage/crew.js';
import { monotonicMs, percentile } from '../stage/measure.js';
import { until } from '../stage/wait.js';

export const takeOver = scenario({
  line: 2,
  name: 'a claimant that is killed (kill -9) while another replica waits for it',
  expected: 'taken over; p99 until the refresh token is presented again < 250 ms',
  short: { kills: 2 },
  long: { kills: 100 },
  async play(stage, { kills }) {
    const scene = await stage.scene({
      replicas: 2,
      front: true,
      provider: { onUnknownOutcome: 'replay', reuseGraceSeconds: undefined as never },
    });
    const { cluster, server, front } = scene;
    const refs = await scene.login(kills);
    const milliseconds: number[] = [];
    const failures: string[] = [];
    for (const [index, ref] of refs.entries()) {
      stage.crew.enlist(1);
      const [victim, heir] = index % 2 === 0 ? [0, 1] : [1, 0];
      let first = true;
      // The provider never sees the request of whoever is killed.
      front.before = () => {
        const hang = first;
        first = false;
        return Promise.resolve(hang ? 'hang' : undefined);
      };
      const before = front.arrivals.length;
      const died = cluster.at(victim).call('refresh', ref);
      died.catch((error: Error) => {
        if (!(error instanceof KilledError)) failures.push(error.message);
      });
      await until(() => front.arrivals.length === before + 1, 'the claimant has presented');
      const waiting = cluster.at(heir).call('refresh', ref);
      // So that it does wait: its call has been through the database and back.
      await cluster.at(heir).call('open', [ref]);
      const killedAt = await cluster.kill(victim);
      await waiting.catch((error: Error) => failures.push(error.message));
      milliseconds.push((front.arrivals[before + 1] ?? monotonicMs()) - killedAt);
      await cluster.begin(victim);
    }
    return {
      runs: `${kills} kills`,
      facts: [
        none('failed calls', failures),
        exactly('presentations', front.arrivals.length, 2 * kills),
        exactly('exchanges', server.oracle.exchanges, kills),
        none('lost', await scene.lost(refs)),
        within('p99 of take-over', percentile(milliseconds, 0.99), 250),
      ],
    };
  },
});

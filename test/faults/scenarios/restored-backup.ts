import type { TokenRef } from '@tokenward/nestjs';
import { backUp } from '../../support/copied-database.js';
import { atLeast, exactly, none, scenario } from '../scenario.js';
import { RemoteError } from '../stage/crew.js';
import { inParallel } from '../stage/measure.js';
import type { Scene } from '../stage/scene.js';

const AT_ONCE = 16;

/** What comes of a refresh of each: its error's code, or `refreshed`. */
async function refreshAll({ cluster }: Scene, refs: readonly TokenRef[]): Promise<string[]> {
  const outcomes: string[] = [];
  await inParallel(refs, AT_ONCE, async (ref) => {
    const outcome = cluster.any().call('refresh', ref);
    outcomes.push(
      await outcome.then(
        () => 'refreshed',
        (error: Error) => (error instanceof RemoteError ? (error.code ?? error.message) : error.message),
      ),
    );
  });
  return outcomes;
}

export const restoredBackup = scenario({
  line: 21,
  name: 'a backup is restored that is older than refreshes, and all replicas start on it at once',
  expected: '0 refresh tokens from before presented until they are released or their users log in again',
  short: { restores: 1, users: 20 },
  long: { restores: 5, users: 200 },
  async play(stage, { restores, users }) {
    const scene = await stage.scene();
    const { server, cluster, observer } = scene;
    const wrong: string[] = [];
    const expectAll = async (refs: readonly TokenRef[], expected: string): Promise<void> => {
      const other = (await refreshAll(scene, refs)).filter((outcome) => outcome !== expected);
      wrong.push(...other.map((outcome) => `${outcome} instead of ${expected}`));
    };
    let presented = 0;
    let stale = 0;
    for (let count = 0; count < restores; count++) {
      const refs = await scene.login(users);
      const [rotated, untouched] = [refs.slice(0, users / 2), refs.slice(users / 2)];
      const [again, lost] = [rotated.slice(0, users / 4), rotated.slice(users / 4)];
      const { options } = observer.dataSource;
      let backup!: Awaited<ReturnType<typeof backUp>>;
      await cluster.restart(async () => {
        backup = await backUp({ options });
      });
      await expectAll(rotated, 'refreshed');
      await cluster.restart(() => backup.restoreInPlace());
      await backup.remove();

      const before = server.oracle.requests.length;
      await expectAll(refs, 'REAUTHORIZATION_REQUIRED');
      presented += server.oracle.requests.length - before;

      for (const ref of again) {
        const tokens = { ...(await server.mint(ref.userId)) };
        await cluster.any().call('store', [{ ref, tokens }]);
      }
      await expectAll(again, 'refreshed');

      await cluster.any().call('release');
      await expectAll(untouched, 'refreshed');
      await expectAll(lost, 'REAUTHORIZATION_REQUIRED');
      stale += lost.length;
    }
    return {
      runs: `${restores} restores, ${users} users each`,
      facts: [
        exactly('presented while held', presented),
        none('calls that ended otherwise', wrong),
        // So that there was something to hold.
        exactly('reuses after the release', server.oracle.reuses, stale),
        atLeast('stale refresh tokens', stale, 1),
      ],
    };
  },
});

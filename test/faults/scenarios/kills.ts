import type { ProviderOptions, TokenRef } from '@tokenward/nestjs';
import type { RefreshTokenMode } from '@tokenward/nestjs/testing';
import { atLeast, exactly, type Fact, none, type Outcome, scenario, within } from '../scenario.js';
import { median, randomOf, times } from '../stage/measure.js';
import { Load } from '../stage/load.js';
import type { Scene } from '../stage/scene.js';
import type { Stage } from '../stage/stage.js';
import { STEPS } from '../stage/traps.js';
import { pause } from '../stage/wait.js';

interface Size {
  /** Kills at each step. */
  each: number;
  /** Kills under load come in series: a process takes longer to start than the pause between two of them. */
  series: number;
  inSeries: number;
  everyMs: number;
  users: number;
}

const short: Size = { each: 1, series: 1, inSeries: 2, everyMs: 200, users: 20 };
const long: Size = { each: 10, series: 20, inSeries: 10, everyMs: 200, users: 200 };
/** Few and slow enough that a refresh does not wait for a processor. */
const CALLERS = 4;
const PAUSE_MS = 25;

/** Kills at every step, then under load; every session is refreshed once more, so that it is clear what has become of it. */
async function playKills(
  stage: Stage,
  size: Size,
  mode: RefreshTokenMode,
  provider: Partial<ProviderOptions>,
  judge: (scene: Scene, refs: readonly TokenRef[], ended: readonly string[]) => Promise<Fact[]>,
): Promise<Outcome> {
  const scene = await stage.scene({ replicas: 4, server: { mode }, provider });
  const { cluster } = scene;
  stage.crew.enlist(2);
  const kills = size.each * STEPS.length + size.series * size.inSeries;
  const refs = await scene.login(size.users + size.each * STEPS.length);
  let killed = 0;
  for (const [index, step] of times(size.each, () => STEPS)
    .flat()
    .entries()) {
    const slot = index % cluster.size;
    const victim = cluster.at(slot);
    await victim.call('trap', { step, how: 'die' });
    const call = victim.call('refresh', refs[size.users + index]!);
    await Promise.all([victim.died(), call.catch(() => undefined)]);
    killed++;
    cluster.vacate(slot);
    stage.crew.enlist(2);
    await cluster.begin(slot);
  }
  const load = new Load(scene, refs.slice(0, size.users), CALLERS, PAUSE_MS);
  for (let series = 0; series < size.series; series++) {
    stage.crew.enlist(size.inSeries);
    const begun: Promise<unknown>[] = [];
    for (let kill = 0; kill < size.inSeries; kill++) {
      const next = pause(size.everyMs);
      if (cluster.replicas.length > 1) {
        const slot = cluster.slotOf(randomOf(cluster.replicas));
        begun.push(cluster.kill(slot).then(() => cluster.begin(slot)));
        killed++;
      }
      await next;
    }
    await Promise.all(begun);
  }
  await load.end();
  const ended = await scene.settle(refs);
  return {
    runs: `${killed} kills: ${size.each} at each of ${STEPS.length} steps, the others every ${size.everyMs} ms; ${load.calls} refreshes`,
    facts: [
      atLeast('kills', killed, Math.ceil(kills / 2)),
      atLeast('refreshes', load.calls, killed),
      ...(await judge(scene, refs, ended)),
    ],
  };
}

export const killsWithGrace = scenario({
  line: 3,
  name: 'kill -9 every 200 ms under load and at every step, provider with grace',
  expected: '0 lost',
  short,
  long,
  play: (stage, size) =>
    playKills(stage, size, 'grace', {}, async (scene, refs, ended) => [
      none('lost', [...ended, ...(await scene.lost(refs))]),
    ]),
});

export const killsWithoutGrace = scenario({
  line: 3,
  name: 'kill -9 every 200 ms under load and at every step, strict provider',
  expected: 'lost = kills between rotation and commit, by the oracle; median of that window ≤ 5 ms',
  short,
  long,
  play: (stage, size) =>
    playKills(
      stage,
      size,
      'strict',
      // Presented again, nothing is lost that was not lost already; not presented again, sessions end that need not.
      { onUnknownOutcome: 'replay', reuseGraceSeconds: undefined },
      async (scene, refs, ended) => {
        const { server } = scene;
        return [
          exactly('lost', ended.length, server.oracle.revokedGrants.length),
          exactly('cut off by a kill, says the oracle', await scene.cutOff(refs), ended.length),
          exactly('reuses', server.oracle.reuses, ended.length),
          within('window', median(await windows(scene)), 5),
        ];
      },
    ),
});

/** Milliseconds between the provider's rotation and the end of our commit, for each refresh that has come to it. */
async function windows(scene: Scene): Promise<number[]> {
  const commits = new Map<string, number[]>();
  const grants = await scene.grantsByRecord();
  for (const { recordId, outcome, at } of scene.cluster.refreshes) {
    const grantId = grants.get(recordId)!;
    if (outcome === 'refreshed') commits.set(grantId, [...(commits.get(grantId) ?? []), at]);
  }
  return scene.ledger.rotations.flatMap(({ grantId, at }, index) => {
    const next = scene.ledger.rotations.slice(index + 1).find((later) => later.grantId === grantId);
    const commit = commits.get(grantId)?.find((one) => one >= at && one < (next?.at ?? Infinity));
    return commit === undefined ? [] : [commit - at];
  });
}

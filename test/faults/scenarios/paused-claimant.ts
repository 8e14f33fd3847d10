import type { TokenRef } from '@tokenward/nestjs';
import { atLeast, exactly, none, scenario } from '../scenario.js';
import type { Replica } from '../stage/crew.js';
import { chunks, inParallel } from '../stage/measure.js';
import type { Scene } from '../stage/scene.js';
import { STEPS, type Step } from '../stage/traps.js';
import { pause, until } from '../stage/wait.js';

/** In between, the provider itself sees how far a refresh is. */
type Place = Step | 'before the exchange' | 'after the exchange';
const PLACES: readonly Place[] = [
  ...STEPS.slice(0, 2),
  'before the exchange',
  'after the exchange',
  ...STEPS.slice(2),
];
/** The fourth one asks for the same tokens meanwhile. */
const PAUSED_AT_ONCE = 3;
const ASKING = 3;
const ASK_EVERY_MS = 100;

export const pausedClaimant = scenario({
  line: 2,
  name: 'a claimant that is stopped (SIGSTOP) or whose event loop is blocked, at every step',
  expected: '0 double presentations',
  short: { stops: [0.5], blocks: [0.3] },
  long: { stops: [0.5, 1, 2, 5, 10, 20, 30, 60], blocks: [5, 5] },
  async play(stage, { stops, blocks }) {
    // Whoever takes over presents at once: only that the claimant lives keeps the others from it.
    const scene = await stage.scene({
      replicas: 4,
      front: true,
      provider: { onUnknownOutcome: 'replay', reuseGraceSeconds: undefined as never },
    });
    const { cluster, server } = scene;
    const runs = [
      ...stops.flatMap((seconds) => PLACES.map((place) => ({ place, seconds, how: 'stop' as const }))),
      ...blocks.flatMap((seconds) => STEPS.map((place) => ({ place, seconds, how: 'block' as const }))),
    ];
    const refs = await scene.login(runs.length);
    const pauses = new Pauses(scene);
    let reached = 0;
    for (const [index, some] of chunks(runs, PAUSED_AT_ONCE).entries())
      await inParallel([...some.entries()], PAUSED_AT_ONCE, async ([slot, run]) => {
        await pauses.play(slot, refs[index * PAUSED_AT_ONCE + slot]!, run);
        reached++;
      });
    return {
      runs: `${runs.length} pauses, ${PLACES.length} steps, up to ${Math.max(...stops, ...blocks)} s`,
      facts: [
        exactly('pauses', reached, runs.length),
        exactly('double presentations', server.oracle.reuses),
        none('lost', await scene.lost(refs)),
        atLeast('exchanges', server.oracle.exchanges, runs.length),
        exactly('processes', cluster.replicas.filter(({ isAlive }) => isAlive).length, cluster.size),
      ],
    };
  },
});

/** Stops replicas where the front sees a request of theirs. */
class Pauses {
  readonly #places = new Map<string, { place: Place; stop: () => void }>();

  constructor(private readonly scene: Scene) {
    const { front } = scene;
    front.before = (form) => this.#at('before the exchange', form);
    front.after = (_answer, form) => this.#at('after the exchange', form);
  }

  async play(
    slot: number,
    ref: TokenRef,
    { place, seconds, how }: { place: Place; seconds: number; how: 'stop' | 'block' },
  ): Promise<void> {
    const { cluster } = this.scene;
    const victim = cluster.at(slot);
    let reached: Promise<void>;
    if (place === 'before the exchange' || place === 'after the exchange') {
      const stored = (await this.scene.stored([ref])).get(ref.userId)!;
      reached = new Promise((resolve) => {
        this.#places.set(stored, {
          place,
          stop: () => {
            cluster.stop(slot);
            resolve();
          },
        });
      });
    } else {
      await victim.call('trap', { step: place, how, milliseconds: seconds * 1000 });
      reached = cluster.reached(slot, place);
    }
    const refreshed = settled(victim, ref);
    await reached;
    const asking = this.#askUntil(refreshed, ref);
    await pause(seconds * 1000);
    if (how === 'stop') cluster.goOn(slot);
    await asking;
    await until(
      async () => (await this.scene.lost([ref])).length === 0,
      'the session is whole',
      20_000,
    ).catch(
      // It is counted in the end.
      () => undefined,
    );
  }

  /** What the others do all the time, and bring to an end: a refresh that is still under way would look like a loss. */
  async #askUntil(done: Promise<unknown>, ref: TokenRef): Promise<void> {
    const finished = done.then(() => true);
    const paused = (): Promise<boolean> => pause(ASK_EVERY_MS).then(() => false);
    do await settled(this.scene.cluster.at(ASKING), ref);
    while (!(await Promise.race([finished, paused()])));
  }

  #at(place: Place, form: URLSearchParams): void {
    const value = form.get('refresh_token') ?? '';
    const planned = this.#places.get(value);
    if (planned?.place !== place) return;
    this.#places.delete(value);
    planned.stop();
  }
}

/** Whether a call gets a token does not matter here. */
const settled = (replica: Replica, ref: TokenRef): Promise<unknown> =>
  replica.call('refresh', ref).catch(() => undefined);

import type { TokenRef } from '@tokenward/nestjs';
import { atLeast, atMost, exactly, none, scenario } from '../scenario.js';
import { inParallel, monotonicMs, randomOf, times } from '../stage/measure.js';
import type { Scene } from '../stage/scene.js';
import { pause } from '../stage/wait.js';

const KINDS = ['status 503', 'status 429', 'hang', 'refused'] as const;
const CALLERS = 32;
const SECOND_MS = 1_000;
const LIFETIME_SECONDS = 300;
const PATIENCE_SECONDS = 100;

export const outage = scenario({
  line: 11,
  name: 'an outage of the provider (503, 429, hang, refused) while all tokens expire in one second',
  expected: 'peak ≤ 2 × configured rate, ≤ 1 probe/s per cluster, 0 restarts, 0 lost',
  short: { users: 40, seconds: 6, rate: 40, timeoutSeconds: 1 },
  long: { users: 10_000, seconds: 600, rate: 200, timeoutSeconds: 10 },
  async play(stage, { users, seconds, rate, timeoutSeconds }) {
    const limit = { refreshesPerSecond: rate };
    const scene = await stage.scene({
      replicas: 4,
      front: true,
      // The provider hangs before it has worked; with a policy that gives up such sessions end, as they are meant to.
      provider: { onUnknownOutcome: 'replay', reuseGraceSeconds: undefined, ...limit },
      options: { refresh: { ahead: false, timeoutSeconds } },
    });
    const { server, front, cluster } = scene;
    const refs = await scene.login(users);
    const callers = new Callers(scene, refs);
    const eachMs = (seconds * SECOND_MS) / KINDS.length;
    await scene.age(LIFETIME_SECONDS);
    for (const kind of KINDS) {
      await become(scene, kind);
      await pause(eachMs);
    }
    const ended = monotonicMs();
    front.before = () => undefined;
    await front.open();
    await callers.end();
    // In the first seconds nobody knows yet; where connections are refused nobody sees the probes.
    const known = (front.arrivals[0] ?? ended) + Math.min(3 * SECOND_MS, eachMs);
    const [from, to] = [Math.min(known, ended), ended - eachMs];
    const probes = front.arrivals.filter((at) => at >= from && at < to).length;
    const met = front.arrivals.filter((at) => at < ended).length;
    const failures = await callers.untilServed();
    await scene.atRest();
    return {
      runs: `${seconds} s, ${users} users, ${callers.calls} calls`,
      facts: [
        none('never served again', failures),
        atLeast('requests until the end of the outage', met, 1),
        atMost(
          `probes in ${((to - from) / SECOND_MS).toFixed(0)} s`,
          probes,
          Math.ceil((to - from) / SECOND_MS) + 1,
        ),
        atMost(`peak of a second at ${rate}/s`, peak(front.arrivals), 2 * rate),
        exactly('exchanges', server.oracle.exchanges, users),
        exactly('restarts', cluster.size - cluster.replicas.filter(({ isAlive }) => isAlive).length),
        none('lost', await scene.lost(refs)),
      ],
    };
  },
});

async function become({ front }: Scene, kind: (typeof KINDS)[number]): Promise<void> {
  if (kind === 'refused') {
    await front.close();
    return;
  }
  const answer = kind === 'hang' ? ('hang' as const) : { status: Number(kind.slice(-3)), json: {} };
  front.before = () => Promise.resolve(answer);
}

/** Most of them that fall into one second, wherever it begins. */
function peak(arrivals: readonly number[]): number {
  let [most, first] = [0, 0];
  for (const [index, at] of arrivals.entries()) {
    while (arrivals[first]! <= at - SECOND_MS) first++;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** Users who go on asking. */
class Callers {
  calls = 0;
  private going = true;
  private readonly served = new Set<string>();
  private readonly working: Promise<unknown>;

  constructor(
    private readonly scene: Scene,
    private readonly refs: readonly TokenRef[],
  ) {
    this.working = Promise.all(
      times(CALLERS, async () => {
        while (this.going) {
          await this.ask(randomOf(refs));
          await pause(10);
        }
      }),
    );
  }

  async end(): Promise<void> {
    this.going = false;
    await this.working;
  }

  /** When the provider is back: those who have had no token after all that patience. */
  async untilServed(): Promise<string[]> {
    const deadline = performance.now() + PATIENCE_SECONDS * SECOND_MS;
    this.served.clear();
    await inParallel(this.refs, CALLERS, async (ref) => {
      while (!this.served.has(ref.userId) && performance.now() < deadline) {
        await this.ask(ref);
        await pause(100);
      }
    });
    return this.refs.map(({ userId }) => userId).filter((userId) => !this.served.has(userId));
  }

  private async ask(ref: TokenRef): Promise<void> {
    this.calls++;
    await this.scene.cluster
      .any()
      .call('get', ref)
      .then(
        () => this.served.add(ref.userId),
        () => undefined,
      );
  }
}

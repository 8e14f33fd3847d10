import type { TokenRef } from '@tokenward/nestjs';
import { exactly, none, scenario } from '../scenario.js';
import { inParallel } from '../stage/measure.js';

type Change = (json: Record<string, unknown>) => void;

const REFRESH_TOKENS: Record<string, Change> = {
  omitted: (json) => delete json['refresh_token'],
  empty: (json) => (json['refresh_token'] = ''),
  null: (json) => (json['refresh_token'] = null),
  'the same': () => undefined,
};

export const refreshTokens = scenario({
  line: 7,
  name: 'the answer has no refresh token, an empty one, null, or the same',
  expected: '0 lost over 5 cycles each',
  short: { each: 2, cycles: 5 },
  long: { each: 100, cycles: 5 },
  async play(stage, { each, cycles }) {
    const scene = await stage.scene({ server: { mode: 'plain' }, front: true });
    const { server, front, cluster } = scene;
    const changes = Object.values(REFRESH_TOKENS);
    const refs = await scene.login(each * changes.length);
    const changeOf = new Map(refs.map(({ userId }, index) => [userId, changes[index % changes.length]!]));
    front.after = ({ json }, form) => changeOf.get(scene.userOf(form.get('refresh_token')!)!)!(json);
    const failures: string[] = [];
    const before = await scene.stored(refs);
    const lost: string[] = [];
    for (let cycle = 0; cycle < cycles; cycle++) {
      await inParallel(refs, 32, (ref) =>
        cluster
          .any()
          .call('refresh', ref)
          .catch((error: Error) => failures.push(error.message)),
      );
      const after = await scene.stored(refs);
      lost.push(...refs.map(({ userId }) => userId).filter((user) => after.get(user) !== before.get(user)));
    }
    return {
      runs: `${refs.length} users × ${cycles} cycles, ${changes.length} kinds`,
      facts: [
        none('failed calls', failures),
        exactly('exchanges', server.oracle.exchanges, refs.length * cycles),
        none('lost', [...lost, ...(await scene.lost(refs))]),
      ],
    };
  },
});

/** What providers have been seen to send, and what JSON allows. */
const LIFETIMES: unknown[] = [
  undefined,
  null,
  '',
  'soon',
  '3600',
  ' 60 ',
  0,
  -1,
  0.5,
  90.5,
  1e300,
  Number.MAX_SAFE_INTEGER,
  '1e400',
  'NaN',
  'Infinity',
  true,
  [],
  [60],
  {},
];
/** After the last millisecond that a `Date` can hold. */
const READS = 10;

export const lifetimes = scenario({
  line: 8,
  name: 'the answer has one of 19 kinds of expires_in',
  expected: '0 loops, 0 invalid dates',
  short: { each: 1 },
  long: { each: 50 },
  async play(stage, { each }) {
    const scene = await stage.scene({ front: true });
    const { server, front, cluster } = scene;
    const refs = await scene.login(each * LIFETIMES.length);
    const lifetimeOf = new Map(
      refs.map(({ userId }, index) => [userId, LIFETIMES[index % LIFETIMES.length]]),
    );
    front.after = ({ json }, form) => {
      json['expires_in'] = lifetimeOf.get(scene.userOf(form.get('refresh_token')!)!);
    };
    const failures: string[] = [];
    const invalid: string[] = [];
    await inParallel(refs, 32, async (ref: TokenRef) => {
      try {
        await cluster.any().call('refresh', ref);
        for (let read = 0; read < READS; read++) {
          const expiry = await cluster.any().call('expiry', ref);
          // Over the channel between processes an invalid date is null, too: the row tells them apart.
          if (expiry !== null && !(expiry > Date.now())) invalid.push(`${ref.userId}: ${expiry}`);
        }
      } catch (error) {
        failures.push(`${JSON.stringify(lifetimeOf.get(ref.userId))}: ${(error as Error).message}`);
      }
    });
    return {
      runs: `${refs.length} answers, ${LIFETIMES.length} kinds, ${READS} reads each`,
      facts: [
        none('failed calls', failures),
        exactly('exchanges', server.oracle.exchanges, refs.length),
        none('invalid dates', invalid),
        none('lost', await scene.lost(refs)),
      ],
    };
  },
});

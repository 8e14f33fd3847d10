import { exactly, none, scenario } from '../scenario.js';
import { inParallel } from '../stage/measure.js';
import { pause, until } from '../stage/wait.js';

const LATENCY_MS = 20;
const DEADLINE_MS = 5_000;

export const logOuts = scenario({
  line: 5,
  name: 'log-outs that race a refresh in another replica',
  expected: '0 resurrected sessions; 0 orphan refresh tokens alive at the provider after 5 s',
  short: { users: 60 },
  long: { users: 10_000 },
  async play(stage, { users }) {
    const scene = await stage.scene({ front: true });
    const { server, front, cluster } = scene;
    const alive = (): number => server.oracle.aliveRefreshTokens().length;
    // Such a provider does not end the grant for a token that is used up: only the newest one counts.
    front.before = (form, path) =>
      Promise.resolve(
        path === '/token/revocation' && scene.ledger.isUsedUp(form.get('token') ?? '')
          ? { status: 200, json: {} }
          : undefined,
      );
    front.after = (_answer, _form, path) =>
      path === '/token' ? pause(Math.random() * LATENCY_MS) : undefined;
    const refs = await scene.login(users);
    const failures: string[] = [];
    await inParallel(refs, 32, async (ref) => {
      const slot = Math.floor(Math.random() * cluster.size);
      const refresh = cluster
        .at(slot)
        .call('refresh', ref)
        .catch(() => undefined);
      await pause(Math.random() * LATENCY_MS * 2);
      await cluster
        .at((slot + 1) % cluster.size)
        .call('revoke', ref)
        .catch((error: Error) => failures.push(error.message));
      await refresh;
    });
    await until(() => alive() === 0, 'no refresh token is alive', DEADLINE_MS).catch(() => undefined);
    const superseded = cluster.refreshes.filter(({ outcome }) => outcome === 'superseded').length;
    const revived = [...(await scene.statuses())].filter(([, status]) => status !== 'revoked');
    return {
      runs: `${users} log-outs, ${superseded} of them during the exchange`,
      facts: [
        none('failed log-outs', failures),
        none(
          'resurrected',
          revived.map(([user, status]) => `${user} is ${status}`),
        ),
        exactly('orphans', alive()),
      ],
    };
  },
});

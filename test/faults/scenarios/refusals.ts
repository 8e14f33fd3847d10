import { hashOf } from '@tokenward/nestjs/testing';
import { BODIES, TOKEN_ANSWERS } from '../../support/token-answers.js';
import { TokenClient } from '../../support/token-client.js';
import { TokenEndpoint } from '../../support/token-endpoint.js';
import { exactly, none, scenario } from '../scenario.js';
import { inParallel, times } from '../stage/measure.js';
import { until } from '../stage/wait.js';

export const sixtyAnswers = scenario({
  line: 6,
  name: 'sixty answers of a token endpoint (status × content type × body)',
  expected: '0 sessions deleted, 0 asked to log in again but by invalid_grant',
  short: { each: 1 },
  long: { each: 20 },
  async play(stage, { each }) {
    const endpoint = await TokenEndpoint.start();
    stage.defer(() => endpoint.stop());
    // One provider for each answer: what one of them has done is no reason to keep away from the next.
    const names = times(TOKEN_ANSWERS.length, (index) => `provider-${index}`);
    const scene = await stage.scene({ names, provider: { tokenEndpoint: endpoint.url } });
    const { cluster } = scene;
    const refs = await scene.login(each * names.length);
    const answerTo = new Map(
      refs.map(({ userId, provider }) => [userId, TOKEN_ANSWERS[names.indexOf(provider)]!]),
    );
    endpoint.answer((response, { form }) => {
      const [status, body, contentType] = answerTo.get(scene.userOf(form.get('refresh_token')!)!)!;
      response.writeHead(status, { 'content-type': contentType }).end(BODIES[body]);
    });
    await inParallel(refs, 32, (ref) =>
      cluster
        .any()
        .call('refresh', ref)
        .catch(() => undefined),
    );
    const [statuses, stored] = [await scene.statuses(), await scene.stored(refs)];
    const wrong = refs.filter(({ userId }) => {
      const rejected = answerTo.get(userId)![3] === 'grant_rejected';
      return statuses.get(userId) !== (rejected ? 'reauthorization_required' : 'active');
    });
    return {
      runs: `${refs.length} answers, ${names.length} kinds`,
      facts: [
        exactly('answers', endpoint.requests.length, refs.length),
        exactly('sessions deleted', refs.filter(({ userId }) => stored.get(userId) === undefined).length),
        none(
          'wrong status',
          wrong.map(({ userId }) => answerTo.get(userId)!.join(', ')),
        ),
      ],
    };
  },
});

export const wrongSecret = scenario({
  line: 6,
  name: 'an hour of a wrong client secret, a minute at a time',
  expected: '0 sessions deleted, 0 asked to log in again',
  short: { minutes: 3, users: 10 },
  long: { minutes: 60, users: 100 },
  async play(stage, { minutes, users }) {
    const right = 'the-right-client-secret-of-32-characters';
    const scene = await stage.scene({
      server: { clients: [{ clientId: 'app', clientSecret: right }] },
      provider: { clientSecret: 'a-wrong-client-secret-of-32-characters' },
    });
    const { server, cluster, provider } = scene;
    const refs = await scene.login(users);
    for (let minute = 0; minute < minutes; minute++) {
      await inParallel(refs, 16, (ref) =>
        cluster
          .any()
          .call('refresh', ref)
          .catch(() => undefined),
      );
      await scene.age(60);
    }
    const refused = server.oracle.requests.filter(({ outcome }) => outcome === 'invalid_client').length;
    const lost = await scene.lost(refs);
    provider.clientSecret = right;
    await cluster.restart();
    return {
      runs: `${minutes} min, ${users} users, ${refused} refusals`,
      facts: [
        exactly('minutes without a request', refused > 0 ? 0 : minutes),
        none('deleted or asked to log in', lost),
        none('sessions that did not go on', await scene.settle(refs)),
      ],
    };
  },
});

export const staleRefusals = scenario({
  line: 6,
  name: 'a refusal of tokens that a new log-in has replaced meanwhile',
  expected: '0 false reauthorization_required from stale views',
  short: { users: 10 },
  long: { users: 1_000 },
  async play(stage, { users }) {
    const scene = await stage.scene({ front: true });
    const { server, front, cluster } = scene;
    const { clientId, clientSecret } = server.provider;
    const client = new TokenClient({ issuer: server.issuer, clientId, clientSecret: clientSecret as string });
    const refs = await scene.login(users);
    const held = new Map<string, { reached: () => void; released: Promise<void> }>();
    let refusals = 0;
    front.after = async ({ json }, form) => {
      if (json['error'] === 'invalid_grant') refusals++;
      const hold = held.get(hashOf(form.get('refresh_token')!));
      hold?.reached();
      await hold?.released;
    };
    await inParallel(refs, 16, async (ref) => {
      const before = (await scene.stored([ref])).get(ref.userId)!;
      await client.revoke(before);
      let [seen, release] = [false, (): void => undefined];
      const released = new Promise<void>((resolve) => (release = resolve));
      held.set(hashOf(before), { reached: () => (seen = true), released });
      const slot = Math.floor(Math.random() * cluster.size);
      const refused = cluster
        .at(slot)
        .call('refresh', ref)
        .catch(() => undefined);
      await until(() => seen, 'the provider has refused');
      const tokens = { ...(await server.mint(ref.userId, { scope: 'offline_access api' })) };
      await cluster.at((slot + 1) % cluster.size).call('store', [{ ref, tokens }]);
      release();
      await refused;
    });
    return {
      runs: `${users} users`,
      facts: [
        exactly('refusals', refusals, users),
        none('asked to log in again', await scene.lost(refs)),
        none('sessions that did not go on', await scene.settle(refs)),
      ],
    };
  },
});

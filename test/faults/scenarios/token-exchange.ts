import { decodeJwt } from 'jose';
import { PROVIDER } from '../../support/app.js';
import { startGrantsProvider } from '../../support/grants-provider.js';
import { exactly, none, scenario } from '../scenario.js';
import { chunks, inParallel, times } from '../stage/measure.js';

const AUDIENCES = ['api-one', 'api-two', 'https://three.example.com'];
const SCOPES = ['read', 'write', 'read write'];
const BATCH = 500;

export const tokenExchange = scenario({
  line: 14,
  name: 'exchanged tokens of many users, audiences, scopes and tenants',
  expected: '0 cross-user hits',
  short: { users: 8, calls: 2_000 },
  long: { users: 100, calls: 100_000 },
  async play(stage, { users, calls }) {
    const provider = await startGrantsProvider();
    stage.defer(() => provider.stop());
    const { issuer, clientId, clientSecret } = provider;
    const scene = await stage.scene({ provider: { issuer, clientId, clientSecret }, options: { cache: {} } });
    const { cluster } = scene;
    // The same user names in two tenants: they are other people.
    const people = times(users, (index) => ({
      ref: { tenantId: `tenant-${index % 2}`, userId: `user-${Math.floor(index / 2)}`, provider: PROVIDER },
      sub: `${index}`,
    }));
    await inParallel(people, 8, async ({ ref, sub }) => {
      const tokens = {
        ...(await provider.mintTokens({ sub, scope: 'openid offline_access api read write' })),
      };
      await cluster.any().call('store', [{ ref, tokens }]);
    });
    const wanted = times(calls, () => ({
      person: people[Math.floor(Math.random() * people.length)]!,
      audience: AUDIENCES[Math.floor(Math.random() * AUDIENCES.length)]!,
      scope: SCOPES[Math.floor(Math.random() * SCOPES.length)]!,
    }));
    const wrong: string[] = [];
    let answered = 0;
    await inParallel(chunks(wanted, BATCH), cluster.size, async (some) => {
      const values = await cluster.any().call(
        'exchange',
        some.map(({ person, audience, scope }) => ({ ref: person.ref, audience, scope })),
      );
      for (const [index, value] of values.entries()) {
        const { person, audience, scope } = some[index]!;
        const claims = decodeJwt(value);
        answered++;
        if (claims.sub !== person.sub || ![claims.aud].flat().includes(audience) || claims['scope'] !== scope)
          wrong.push(
            `user ${person.sub} got the token of ${claims.sub} for ${[claims.aud].flat().join(' ')}`,
          );
      }
    });
    return {
      runs: `${calls} calls, ${users} users × ${AUDIENCES.length} audiences × ${SCOPES.length} scopes, ${provider.requests('token_exchange')} exchanges`,
      facts: [exactly('answers', answered, calls), none('cross-user hits', wrong)],
    };
  },
});

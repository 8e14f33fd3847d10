import { UnsecuredJWT, type JWTPayload } from 'jose';
import { exactly, none, scenario } from '../scenario.js';
import { inParallel } from '../stage/measure.js';
import type { Stage } from '../stage/stage.js';

const HOUR_SECONDS = 3_600;
const BACKOFF_SECONDS = 900;

/** What may not be believed of a refreshed ID token (OpenID Connect Core 1.0 §12.2), one claim at a time. */
const MUTATIONS: Record<string, (claims: JWTPayload) => JWTPayload | string> = {
  'another issuer': (claims) => ({ ...claims, iss: 'https://id.example.com' }),
  'no issuer': (claims) => ({ ...claims, iss: undefined }),
  'another user': (claims) => ({ ...claims, sub: 'mallory' }),
  'no user': (claims) => ({ ...claims, sub: undefined }),
  'an empty user': (claims) => ({ ...claims, sub: '' }),
  'another audience': (claims) => ({ ...claims, aud: 'another-client' }),
  'a list of other audiences': (claims) => ({ ...claims, aud: ['another-client', 'a-third'] }),
  'no audience': (claims) => ({ ...claims, aud: undefined }),
  'an end in the past': (claims) => ({ ...claims, exp: claims.iat! - HOUR_SECONDS }),
  'no end': (claims) => ({ ...claims, exp: undefined }),
  'an end that is no number': (claims) => ({ ...claims, exp: 'tomorrow' as never }),
  'no JWT': () => 'opaque',
};

/** Every answer of the provider carries a bad ID token; then it behaves again. */
async function playIdTokens(stage: Stage, each: number) {
  const scene = await stage.scene({ front: true });
  const { server, front, cluster } = scene;
  const names = Object.keys(MUTATIONS);
  const refs = await scene.login(each * names.length, 'openid offline_access api');
  const mutationOf = new Map(
    refs.map(({ userId }, index) => [userId, MUTATIONS[names[index % names.length]!]!]),
  );
  const seconds = Math.floor(Date.now() / 1000);
  const usable: string[] = [];
  front.after = ({ json }, form) => {
    const user = scene.userOf(form.get('refresh_token')!)!;
    const good = {
      iss: server.issuer,
      aud: server.provider.clientId,
      sub: user,
      iat: seconds,
      exp: seconds + HOUR_SECONDS,
    };
    const bad = mutationOf.get(user)!(good);
    json['id_token'] = typeof bad === 'string' ? bad : new UnsecuredJWT(bad).encode();
  };
  await inParallel(refs, 32, async (ref) => {
    const value = await cluster
      .any()
      .call('refresh', ref)
      .catch(() => null);
    if (value !== null)
      usable.push(`${names.find((name) => MUTATIONS[name] === mutationOf.get(ref.userId))}`);
  });
  const rejected = cluster.refreshes.filter(({ outcome }) => outcome === 'response_invalid').length;
  const lost = await scene.lost(refs);
  front.after = () => undefined;
  await scene.age(BACKOFF_SECONDS);
  return {
    runs: `${refs.length} ID tokens, ${names.length} mutations`,
    facts: [
      none('accepted', usable),
      exactly('rejected', rejected, refs.length),
      none('lost refresh tokens', lost),
      none('sessions that did not go on', await scene.settle(refs)),
      exactly('reuses', server.oracle.reuses),
    ],
  };
}

export const badIdTokens = scenario({
  line: 4,
  name: 'refreshes that bring a bad ID token',
  expected: '0 lost refresh tokens',
  short: 1,
  long: 84,
  play: playIdTokens,
});

export const mutatedIdTokens = scenario({
  line: 12,
  name: 'a refreshed ID token with each claim mutated',
  expected: 'rejected 100 %, refresh token kept',
  short: 1,
  long: 10,
  play: playIdTokens,
});

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { EmbeddedJWK, jwtVerify } from 'jose';
import { atMost, exactly, none, scenario } from '../scenario.js';
import { inParallel } from '../stage/measure.js';

/** Calls of each process at the same time: none may take the nonce of another one's repetition. */
const AT_ONCE = 4;

export const dpopNonces = scenario({
  line: 13,
  name: 'DPoP with a nonce that is good for one request',
  expected: '≤ 2 requests a call',
  short: { users: 10, cycles: 3 },
  long: { users: 500, cycles: 20 },
  async play(stage, { users, cycles }) {
    const bound = { dpop: true };
    const scene = await stage.scene({
      front: true,
      provider: { clientAuthentication: 'client_secret_basic', ...bound },
    });
    const { server, front, cluster } = scene;
    const refs = await scene.login(users);
    const nonces = new Nonces(front.tokenEndpoint);
    front.before = async (_form, _path, { dpop }) =>
      (await nonces.accept(dpop))
        ? undefined
        : { status: 400, json: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': nonces.next() } };
    front.after = ({ json }) => {
      json['token_type'] = 'DPoP';
    };
    const failures: string[] = [];
    const callers = Array.from({ length: AT_ONCE }, () => cluster.replicas).flat();
    for (let cycle = 0; cycle < cycles; cycle++) {
      // Two calls for one user at a time might share an exchange.
      const waiting = [...refs];
      await inParallel(callers, callers.length, async (replica) => {
        for (let ref = waiting.shift(); ref !== undefined; ref = waiting.shift())
          await replica.call('refresh', ref).catch((error: Error) => failures.push(error.message));
      });
    }
    return {
      runs: `${users * cycles} calls`,
      facts: [
        none('failed calls', failures),
        atMost('requests', front.arrivals.length, 2 * users * cycles),
        exactly('exchanges', server.oracle.exchanges, users * cycles),
        exactly('proofs that are wrong', nonces.wrong),
        exactly('reuses', server.oracle.reuses),
        none('lost', await scene.lost(refs)),
      ],
    };
  },
});

/** Verifies proofs (RFC 9449 §4.3), each of which needs a nonce that no other one has had. */
class Nonces {
  wrong = 0;
  readonly #unused = new Set<string>();

  constructor(private readonly url: string) {}

  next(): string {
    const nonce = randomUUID();
    this.#unused.add(nonce);
    return nonce;
  }

  async accept(proof: IncomingHttpHeaders[string]): Promise<boolean> {
    try {
      const { payload } = await jwtVerify(String(proof), EmbeddedJWK, { typ: 'dpop+jwt', maxTokenAge: 60 });
      if (payload['htm'] !== 'POST' || payload['htu'] !== this.url) throw new Error('not for this request');
      return this.#unused.delete(String(payload['nonce']));
    } catch {
      this.wrong++;
      return false;
    }
  }
}

import type { ServerResponse } from 'node:http';
import { startApi } from '../../support/api.js';
import { exactly, scenario } from '../scenario.js';
import type { Stage } from '../stage/stage.js';

async function openApi(stage: Stage) {
  const api = await startApi();
  stage.defer(() => api.stop());
  const scene = await stage.scene({ provider: { apiOrigins: [api.origin] } });
  const [ref] = await scene.login(1);
  const request = async (count: number): Promise<Record<string, number>> => {
    const statuses: Record<string, number> = {};
    const share = count / scene.cluster.size;
    const tallies = await Promise.all(
      scene.cluster.replicas.map((replica) => replica.call('request', ref!, `${api.origin}/me`, share)),
    );
    for (const [status, times] of tallies.flatMap((tally) => Object.entries(tally)))
      statuses[status] = (statuses[status] ?? 0) + times;
    return statuses;
  };
  return { api, scene, request };
}

export const alwaysUnauthorized = scenario({
  line: 10,
  name: 'a resource server that answers 401 to everything',
  expected: 'exactly 2 requests a call, 1 refresh, then a cool-down',
  short: { calls: 100 },
  long: { calls: 1_000 },
  async play(stage, { calls }) {
    const { api, scene, request } = await openApi(stage);
    const { oracle } = scene.server;
    // All first requests are answered together, so that every call has begun with the first token.
    const waiting: ServerResponse[] = [];
    api.answer = (_request, response) => {
      waiting.push(response);
      if (api.seen.length < calls) return;
      for (const one of waiting.splice(0)) one.writeHead(401).end();
    };
    const statuses = await request(calls);
    const [requests, refreshes] = [api.seen.length, oracle.exchanges];
    await request(calls);
    return {
      runs: `${calls} calls, then ${calls} more, ${scene.cluster.size} processes`,
      facts: [
        exactly('requests', requests, 2 * calls),
        exactly('answered 401', statuses['401'] ?? 0, calls),
        exactly('refreshes', refreshes, 1),
        exactly('refreshes in the cool-down', oracle.exchanges - refreshes),
        exactly('requests in the cool-down', api.seen.length - requests, calls),
      ],
    };
  },
});

export const insufficientScope = scenario({
  line: 10,
  name: 'a resource server that answers 403 insufficient_scope',
  expected: 'never a refresh',
  short: { calls: 100 },
  long: { calls: 1_000 },
  async play(stage, { calls }) {
    const { api, scene, request } = await openApi(stage);
    api.answer = (_request, response) =>
      void response.writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }).end();
    const statuses = await request(calls);
    return {
      runs: `${calls} calls, ${scene.cluster.size} processes`,
      facts: [
        exactly('requests', api.seen.length, calls),
        exactly('answered 403', statuses['403'] ?? 0, calls),
        exactly('refreshes', scene.server.oracle.exchanges),
      ],
    };
  },
});

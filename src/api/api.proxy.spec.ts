import { once } from 'node:events';
import { get, type ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import type { TokenHttpService } from '@tokenward/nestjs';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { NEVER, type Observable, of, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiLimits } from '../config/api-limits.js';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { ApiProxy } from './api.proxy.js';
import { ListedApis } from './listed-apis.js';

const caller = { userId: 'ada', tenantId: 'default', provider: 'test' };
const api = {
  baseUrl: 'https://api.example',
  calls: ['GET /me'],
  limits: apiLimits.parse({ callsAtOnce: 1 }),
};

describe('a call', () => {
  let server: FastifyInstance;
  let answer: (config: { signal: AbortSignal }) => Observable<unknown>;
  let pass: (request: FastifyRequest, reply: FastifyReply, over?: Observable<unknown>) => Promise<void>;

  beforeEach(() => {
    const http = {
      as: () => ({ request: (config: never) => answer(config) }),
    } as unknown as TokenHttpService;
    const entry = { label: '', note: null, api, options: { clientId: '' } };
    const proxy = new ApiProxy(http, new ListedApis(new ProviderDirectory({ test: entry })));
    answer = () => of({ status: 200, headers: {}, data: Readable.from(['ok']) });
    pass = (request, reply, over = NEVER) => proxy.pass(caller, '/me', request, reply, over);
    server = fastify();
    server.get('/', async (request, reply) => {
      await pass(request, reply);
      return reply;
    });
  });
  afterEach(() => server.close());

  const listening = (): Promise<string> => server.listen({ host: '127.0.0.1', port: 0 });
  const faultOf = (work: Promise<void>): Promise<unknown> => work.catch((error: unknown) => error);
  const asked = (url: string): ClientRequest => get(url).on('error', () => undefined);

  it('whose page went away before it began does not count as one of its user', async () => {
    const late = new Promise((resolve) => {
      server.get('/late', async (request, reply) => {
        await once(reply.raw, 'close');
        resolve(await faultOf(pass(request, reply)));
      });
    });
    const url = await listening();
    const page = asked(`${url}/late`);
    await once(server.server, 'request');
    page.destroy();
    await late;
    expect((await fetch(url)).status).toBe(200);
  });

  it('of which nobody can say whether its session lives fails of that, and logs nobody out', async () => {
    answer = ({ signal }) => (signal.aborted ? throwError(() => new Error('aborted')) : NEVER);
    const away = new Error('the database is away');
    const unknown = throwError(() => away);
    const failed = new Promise((resolve) => {
      server.get('/unsure', async (request, reply) => {
        resolve(await faultOf(pass(request, reply, unknown)));
        return reply;
      });
    });
    const page = asked(`${await listening()}/unsure`);
    expect(await failed).toBe(away);
    page.destroy();
  });
});

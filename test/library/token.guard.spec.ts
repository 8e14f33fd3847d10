import type { ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import {
  Controller,
  Get,
  Inject,
  type INestApplication,
  Param,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  AccessToken,
  KeyService,
  TokenError,
  TokenGuard,
  TokenModule,
  TokenService,
  UseToken,
} from '@tokenward/nestjs';
import { TokenHealthModule } from '@tokenward/nestjs/health';
import { TokenMetricsModule } from '@tokenward/nestjs/metrics';
import axios from 'axios';
import { register } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseModule, PROVIDER, tokenOptions } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';

@Controller()
@UseGuards(TokenGuard)
class ApiController {
  @Get('mine')
  @UseToken(PROVIDER)
  mine(@AccessToken() token: AccessToken) {
    return { value: token.value, printed: token, expires: token.expiresAt };
  }

  @Get('mail')
  @UseToken(PROVIDER, { scope: 'mail.read' })
  mail() {
    return 'mail';
  }

  @Get('unfinished')
  unfinished() {
    return 'never';
  }
}

@Controller()
class LateController {
  @Get('late')
  late(@Res() response: ServerResponse & { raw?: ServerResponse }) {
    (response.raw ?? response).writeHead(200, { 'content-length': '100' }).write('begun');
    throw new TokenError('LATE', 'too late');
  }
}

@Controller()
class BareController {
  @Get('bare')
  bare(@Req() _request: unknown, @AccessToken() token: AccessToken) {
    return token.value;
  }
}

/** Keys in the hands of an application's operator. */
@Controller('keys')
class KeyController {
  constructor(@Inject(KeyService) private readonly keys: KeyService) {}

  @Post(':id/retire')
  retire(@Param('id') id: string) {
    return this.keys.retire(id);
  }
}

/** Stands for the application's own log-in, which leaves the user on the request. */
const logIn = (
  request: { headers: Record<string, string | undefined>; user?: unknown },
  _response: unknown,
  next: () => void,
): void => {
  const id = request.headers['x-user'];
  const tenantId = request.headers['x-tenant'];
  if (id) request.user = { id, ...(tenantId && { tenantId: JSON.parse(tenantId) as unknown }) };
  next();
};

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const)('On %s', (name, adapter) => {
  let provider: TestProvider;
  let database: TestDatabase;
  let app: INestApplication;
  let origin: string;

  beforeAll(async () => {
    register.clear();
    [provider, database] = await Promise.all([startProvider(), createDatabase('sqlite')]);
    const module = await Test.createTestingModule({
      imports: [
        databaseModule(database),
        ScheduleModule.forRoot(),
        TokenModule.forRoot(tokenOptions(provider)),
        TokenHealthModule,
        TokenMetricsModule,
      ],
      controllers: [ApiController, BareController, KeyController, LateController],
    }).compile();
    app = module.createNestApplication(adapter() as never, { logger: false });
    if (name === 'Fastify')
      (app as NestFastifyApplication)
        .getHttpAdapter()
        .getInstance()
        .addHook('preHandler', logIn as never);
    else app.use(logIn);
    await app.listen(0, '127.0.0.1');
    origin = await app.getUrl();
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
    await provider.stop();
  });

  const get = (path: string, user?: string) =>
    axios.get(`${origin}${path}`, { headers: user ? { 'x-user': user } : {}, validateStatus: () => true });
  const login = async (userId: string) => {
    const tokens = await provider.mintTokens({ sub: userId });
    await app.get(TokenService).storeTokens({ userId, provider: PROVIDER }, tokens);
    return tokens;
  };

  describe('TokenGuard', () => {
    it('hands the user’s token to the route, and prints it nowhere', async () => {
      const tokens = await login('ada');
      const { status, data } = await get('/mine', 'ada');
      expect(status).toBe(200);
      expect(data.value).toBe(tokens.access_token);
      expect(JSON.stringify(data.printed)).not.toContain(tokens.access_token);
    });

    it.each([
      ['42', 403],
      ['{"id":1}', 400],
    ])('never falls back to the default tenant (tenant %s)', async (tenant, status) => {
      await login('ada');
      const answer = await axios.get(`${origin}/mine`, {
        headers: { 'x-user': 'ada', 'x-tenant': tenant },
        validateStatus: () => true,
      });
      expect(answer.status).toBe(status);
    });

    it('answers 401 to nobody', async () => {
      expect((await get('/mine')).status).toBe(401);
    });

    it('answers with a problem document to a user without a token', async () => {
      const { status, data, headers } = await get('/mine', 'new-user');
      expect(status).toBe(403);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(data).toMatchObject({
        type: 'urn:tokenward:token-not-found',
        code: 'TOKEN_NOT_FOUND',
        status: 403,
        detail: expect.stringMatching(/log in/),
      });
    });

    it('answers with a problem document when a scope is missing', async () => {
      await login('bob');
      expect((await get('/mail', 'bob')).data).toMatchObject({
        code: 'SCOPE_NOT_GRANTED',
        status: 403,
        detail: expect.stringContaining('mail.read'),
      });
    });

    it('answers 503 with Retry-After while the provider is away', async () => {
      await login('cleo');
      await app
        .get(TokenService)
        .storeTokens({ userId: 'cleo', provider: PROVIDER }, { access_token: 'old', expires_in: 1 });
      await expect
        .poll(
          async () =>
            (await app.get(TokenService).listTokens({ userId: 'cleo' }))[0]!.expiresAt!.getTime() <
            Date.now(),
        )
        .toBe(true);
      provider.faults.fail(500, {}, '');
      const { status, data, headers } = await get('/mine', 'cleo');
      expect(status).toBe(503);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(data.code).toBe('PROVIDER_UNAVAILABLE');
    });

    it('tells an operator what stands in the way of a change of a key', async () => {
      await login('dora');
      const keys = app.get(KeyService);
      const [old] = (await keys.plan()).rotate;
      const retire = (id: string) =>
        axios.post(`${origin}/keys/${id}/retire`, null, { validateStatus: () => true });
      await keys.rotate();
      const { status, data, headers } = await retire(old!.id);
      expect(status).toBe(409);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(data).toMatchObject({
        type: 'urn:tokenward:key-in-use',
        title: 'KeyStateError',
        code: 'KEY_IN_USE',
        status: 409,
        detail: expect.stringMatching(/still under data key .* refuses to retire it/),
      });
      expect((await retire('unheard-of')).data).toMatchObject({ code: 'KEY_UNKNOWN', status: 400 });
    });

    it('breaks an answer off that has begun when it fails', async () => {
      await expect(get('/late', 'ada')).rejects.toThrow(/aborted|socket hang up|ECONNRESET/);
    });

    it.each(['/unfinished', '/bare'])('lets nothing through where it is not set up (%s)', async (path) => {
      const { status, data } = await get(path, 'ada');
      expect(status).toBe(500);
      expect(JSON.stringify(data)).not.toContain('UseGuards');
    });
  });

  describe('health', () => {
    it('is live and ready', async () => {
      expect(await get('/health/live')).toMatchObject({ status: 200, data: { status: 'ok' } });
      expect(await get('/health/ready')).toMatchObject({
        status: 200,
        data: { status: 'ok', info: { database: { status: 'up' }, keys: { status: 'up' } } },
      });
    });
  });

  describe('metrics', () => {
    const metric = async (pattern: RegExp): Promise<number> =>
      Number(pattern.exec((await get('/metrics')).data as string)?.[1]);

    it('are those of docs/metrics.md', async () => {
      const names = (text: string, pattern: RegExp) =>
        [...new Set([...text.matchAll(pattern)].map(([, found]) => found!))].toSorted();
      const documented = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
      const { data } = await get('/metrics');
      expect(names(data as string, /^# HELP (tokenward_\w+)/gm)).toEqual(
        names(documented, /^\| `(tokenward_\w+)`/gm),
      );
    });

    it('count refreshes, reads and tokens, without naming users', async () => {
      await login('metric-user');
      await app.get(TokenService).refreshTokens({ userId: 'metric-user', provider: PROVIDER });
      await get('/mine', 'metric-user');
      expect(
        await metric(/^tokenward_refreshes_total\{provider="acme",outcome="refreshed"\} (\d+)$/m),
      ).toBeGreaterThan(0);
      expect(
        await metric(/^tokenward_refresh_duration_seconds_count\{provider="acme"\} (\d+)$/m),
      ).toBeGreaterThan(0);
      expect(await metric(/^tokenward_token_reads_total\{source="database"\} (\d+)$/m)).toBeGreaterThan(0);
      expect(await metric(/^tokenward_tokens\{status="active"\} (\d+)$/m)).toBeGreaterThan(0);
      expect(await metric(/^tokenward_keys_ready (\d+)$/m)).toBe(1);
      expect((await get('/metrics')).data).not.toContain('metric-user');
    });
  });
});

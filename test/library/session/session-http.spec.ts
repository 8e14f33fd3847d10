import {
  Controller,
  Delete,
  Get,
  type INestApplication,
  Param,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { AccessToken, TokenGuard, TokenModule, TokenService, UseToken } from '@tokenward/nestjs';
import {
  CurrentSession,
  type Session,
  SessionGuard,
  SessionModule,
  type SessionRequest,
  type SessionResponse,
  SessionService,
} from '@tokenward/nestjs/session';
import axios from 'axios';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseModule, PROVIDER, tokenOptions } from '../../support/app.js';
import { createDatabase, type TestDatabase } from '../../support/database.js';
import { startProvider, type TestProvider } from '../../support/provider.js';
import { statementsOf } from '../../support/session/statements.js';

const CSRF = { 'x-tokenward-csrf': '1' };

@Controller()
class LoginController {
  constructor(private readonly sessions: SessionService) {}

  @Post('login/:user')
  async logIn(
    @Param('user') userId: string,
    @Req() request: SessionRequest,
    @Res({ passthrough: true }) response: SessionResponse,
  ): Promise<string> {
    return (await this.sessions.start(request, response, { userId, attributes: { name: userId } })).handle;
  }

  @Post('logout')
  async logOut(
    @Req() request: SessionRequest,
    @Res({ passthrough: true }) response: SessionResponse,
  ): Promise<void> {
    await this.sessions.end(request, response);
  }
}

@Controller()
@UseGuards(SessionGuard)
class MineController {
  @Get('me')
  me(@CurrentSession() session: Session, @Req() { user }: { user: object }) {
    return { session, user };
  }

  @Delete('me')
  remove(): string {
    return 'removed';
  }

  @Get('token')
  @UseGuards(TokenGuard)
  @UseToken(PROVIDER)
  token(@AccessToken() { value }: AccessToken): string {
    return value;
  }
}

@Controller('bare')
class BareController {
  @Get()
  bare(@CurrentSession() session: Session): Session {
    return session;
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const)('On %s', (_name, adapter) => {
  let provider: TestProvider;
  let database: TestDatabase;
  let app: INestApplication;
  let origin: string;

  beforeAll(async () => {
    [provider, database] = await Promise.all([startProvider(), createDatabase('postgres')]);
    const module = await Test.createTestingModule({
      imports: [
        databaseModule(database),
        ScheduleModule.forRoot(),
        TokenModule.forRoot(tokenOptions(provider, { cache: {} })),
        SessionModule.forRoot(),
      ],
      controllers: [LoginController, MineController, BareController],
    }).compile();
    app = module.createNestApplication(adapter() as never, { logger: false });
    await app.listen(0, '127.0.0.1');
    origin = await app.getUrl();
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
    await provider.stop();
  });

  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    axios.request({ method, url: `${origin}${path}`, headers, validateStatus: () => true });
  const logIn = async (userId = 'ada') => {
    const { headers, status } = await send('POST', `/login/${userId}`);
    expect(status).toBe(201);
    const [text] = headers['set-cookie']!;
    return { text: text!, cookie: text!.split(';')[0]!, headers };
  };

  it('sets a cookie that only this origin sends back, over TLS, and no script reads', async () => {
    const { text, headers } = await logIn();
    expect(text).toMatch(/^__Host-tokenward=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(headers['set-cookie']).toHaveLength(1);
    expect(headers['cache-control']).toBe('no-store');
    const { headers: after } = await send('POST', '/logout', { cookie: text.split(';')[0]! });
    expect(after['set-cookie']).toEqual([
      '__Host-tokenward=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
    ]);
  });

  it('lets a session in, and tells the route whose it is', async () => {
    const { cookie } = await logIn();
    const { status, data } = await send('GET', '/me', { cookie, ...CSRF });
    expect(status).toBe(200);
    expect(data).toMatchObject({
      session: { userId: 'ada', attributes: { name: 'ada' } },
      user: { userId: 'ada', tenantId: 'default' },
    });
    expect(JSON.stringify(data)).not.toContain(cookie.split('=')[1]);
  });

  it('lets TokenGuard find the user’s token', async () => {
    const { cookie } = await logIn();
    const tokens = await provider.mintTokens({ sub: 'ada' });
    await app.get(TokenService).storeTokens({ userId: 'ada', provider: PROVIDER }, tokens);
    expect((await send('GET', '/token', { cookie, ...CSRF })).data).toBe(tokens.access_token);
  });

  it('answers 401 with a problem document to nobody, and to whom has logged out', async () => {
    const { cookie } = await logIn();
    await send('POST', '/logout', { cookie });
    for (const headers of [CSRF, { ...CSRF, cookie }]) {
      const answer = await send('GET', '/me', headers);
      expect(answer.status).toBe(401);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.data).toMatchObject({ code: 'SESSION_REQUIRED', status: 401 });
    }
  });

  describe('refuses a request of another site, whatever its method:', () => {
    it.each([
      ['no header', {}],
      ['an empty header', { 'x-tokenward-csrf': '' }],
      ['another value', { 'x-tokenward-csrf': '0' }],
      ['the header twice', { 'x-tokenward-csrf': '1, 1' }],
      ['from a sibling subdomain', { ...CSRF, 'sec-fetch-site': 'same-site' }],
      ['from another site', { ...CSRF, 'sec-fetch-site': 'cross-site' }],
      ['from no page', { ...CSRF, 'sec-fetch-site': 'none' }],
      [
        'from another site, its origin looks right',
        { ...CSRF, 'sec-fetch-site': 'cross-site', origin: 'OWN' },
      ],
      ['another origin', { ...CSRF, origin: 'https://evil.example' }],
      ['another port', { ...CSRF, origin: 'http://127.0.0.1:1' }],
      ['a hidden origin', { ...CSRF, origin: 'null' }],
      ['no origin at all', { ...CSRF, origin: 'x' }],
    ])('%s', async (_shape, headers) => {
      const { cookie } = await logIn();
      const own = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, value === 'OWN' ? origin : value]),
      );
      for (const method of ['GET', 'DELETE']) {
        const answer = await send(method, '/me', { cookie, ...own });
        expect(answer.status).toBe(403);
        expect(answer.data).toMatchObject({ code: 'CROSS_SITE_REQUEST' });
      }
    });
  });

  it('takes a request of its own origin, also behind a proxy that changes the host', async () => {
    const { cookie } = await logIn();
    const fine: Record<string, string>[] = [
      { origin },
      { 'sec-fetch-site': 'same-origin', origin: 'https://app.example' },
    ];
    for (const headers of fine)
      expect((await send('DELETE', '/me', { cookie, ...CSRF, ...headers })).status).toBe(200);
  });

  it('asks the database once for a session that it does not know, never for one that it knows, nor for what is no id', async () => {
    const { cookie } = await logIn();
    const statements = statementsOf(app.get(DataSource));
    const asked = async (header: string): Promise<[status: number, statements: number]> => {
      const before = statements.length;
      const { status } = await send('GET', '/me', { cookie: header, ...CSRF });
      return [status, statements.length - before];
    };
    expect(await asked(cookie)).toEqual([200, 1]);
    expect(await asked(cookie)).toEqual([200, 0]);
    const id = cookie.split('=')[1]!;
    expect(await asked(`__Host-tokenward=${'B'.repeat(43)}`)).toEqual([401, 1]);
    for (const bad of [
      `${cookie}; ${cookie}`,
      `__Host-tokenward=${'A'.repeat(43)}; ${cookie}`,
      `${cookie}; __Host-tokenward=`,
      `${cookie}A`,
      cookie.slice(0, -1),
      `${cookie.slice(0, -1)}%41`,
      `__Host-tokenward="${id}"`,
      `__Host-tokenward=${'A'.repeat(4000)}`,
      `__Host-tokenward=${"' OR 1=1 --".padEnd(43, 'x')}`,
      `tokenward=${id}`,
      `__host-tokenward=${id}`,
      '__Host-tokenward',
      '=;;=',
    ])
      expect([bad, ...(await asked(bad))]).toEqual([bad, 401, 0]);
  });

  it('lets nothing through where the guard is missing', async () => {
    const { cookie } = await logIn();
    expect((await send('GET', '/bare', { cookie, ...CSRF })).status).toBe(500);
  });
});

import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import {
  Controller,
  Get,
  type INestApplication,
  Param,
  Post,
  Req,
  UnauthorizedException,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { TokenInputError, TokenModule, TokenService } from '@tokenward/nestjs';
import { type HostSessions, SessionModule, SessionService, SessionTies } from '@tokenward/nestjs/session';
import axios from 'axios';
import expressSession from 'express-session';
import type { FastifyRequest } from 'fastify';
import passport from 'passport';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FastifyLogIn, fastifySessions } from '../../../examples/sessions.fastify.js';
import { PassportLogIn, passportSessions } from '../../../examples/sessions.passport.js';
import {
  databaseModule,
  freshKeyring,
  PROVIDER,
  type Replica,
  startReplica,
  tokenOptions,
} from '../../support/app.js';
import { createDatabase, type TestDatabase } from '../../support/database.js';
import { startProvider, type TestProvider } from '../../support/provider.js';

const SECRET = 'a secret of the application, 32 bytes or more';
const SOON = { timeout: 90_000 };

let provider: TestProvider;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());

/** What the two applications have in common. */
interface Host {
  app: INestApplication;
  ids(): Promise<string[]>;
}

interface PassportRequest {
  sessionID: string;
  user?: { id: string };
  logIn(user: object, done: (error: unknown) => void): void;
  logout(done: (error: unknown) => void): void;
}

@Controller()
class PassportController {
  constructor(private readonly logIns: PassportLogIn) {}

  @Post('log-in/:user')
  async logIn(@Param('user') id: string, @Req() request: PassportRequest): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      request.logIn({ id }, (error) => (error ? reject(error) : resolve()));
    });
    await this.logIns.tie(request, PROVIDER);
  }

  @Get('me')
  me(@Req() { user }: PassportRequest): string {
    if (!user) throw new UnauthorizedException();
    return user.id;
  }

  @Post('log-out')
  logOut(@Req() request: PassportRequest): Promise<void> {
    return this.logIns.logOut(request);
  }
}

type UserRequest = FastifyRequest & { session: { userId?: string } };

@Controller()
class FastifyController {
  constructor(private readonly logIns: FastifyLogIn) {}

  @Post('log-in/:user')
  async logIn(@Param('user') id: string, @Req() request: UserRequest): Promise<void> {
    await this.logIns.tie(request, id, PROVIDER);
    request.session.userId = id;
  }

  @Get('me')
  me(@Req() { session }: UserRequest): string {
    if (!session.userId) throw new UnauthorizedException();
    return session.userId;
  }

  @Post('log-out')
  logOut(@Req() request: UserRequest): Promise<void> {
    return this.logIns.logOut(request);
  }
}

const moduleOf = (
  database: TestDatabase,
  hostSessions: HostSessions,
  ...parts: [controller: Function, logIn: Function]
) =>
  Test.createTestingModule({
    imports: [
      databaseModule(database),
      ScheduleModule.forRoot(),
      TokenModule.forRoot(tokenOptions(provider)),
      SessionModule.forRoot({ hostSessions }),
    ],
    controllers: [parts[0] as never],
    providers: [parts[1] as never],
  }).compile();

async function passportHost(database: TestDatabase): Promise<Host> {
  const store = new expressSession.MemoryStore();
  const module = await moduleOf(database, passportSessions(store), PassportController, PassportLogIn);
  const app = module.createNestApplication(new ExpressAdapter(), { logger: false });
  app.use(expressSession({ store, secret: SECRET, resave: false, saveUninitialized: false }));
  const users = new passport.Passport();
  users.serializeUser((user, done) => done(null, user));
  users.deserializeUser((user: Express.User, done) => done(null, user));
  app.use(users.initialize(), users.session());
  const ids = (): Promise<string[]> =>
    new Promise((resolve) => store.all((_error, all) => resolve(Object.keys(all ?? {}))));
  return { app, ids };
}

async function fastifyHost(database: TestDatabase): Promise<Host> {
  const kept = new Map<string, object>();
  const store: fastifySession.SessionStore = {
    set: (id, session, done) => done((kept.set(id, session), null)),
    get: (id, done) => done(null, (kept.get(id) as never) ?? null),
    destroy: (id, done) => done((kept.delete(id), null)),
  };
  const module = await moduleOf(database, fastifySessions(store), FastifyController, FastifyLogIn);
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.register(fastifyCookie);
  await app.register(fastifySession, {
    store,
    secret: SECRET,
    cookie: { secure: false },
    saveUninitialized: false,
  });
  return { app, ids: async () => [...kept.keys()] };
}

describe.each([
  ['express-session and Passport', passportHost],
  ['@fastify/session', fastifyHost],
] as const)('Beside %s', (_name, startHost) => {
  let database: TestDatabase;
  let host: Host;
  let origin: string;

  beforeAll(async () => {
    database = await createDatabase('postgres');
    host = await startHost(database);
    await host.app.listen(0, '127.0.0.1');
    origin = await host.app.getUrl();
  });
  afterAll(async () => {
    await host.app.close();
    await database.drop();
  });

  const send = (method: string, path: string, cookie = '') =>
    axios.request({ method, url: `${origin}${path}`, headers: { cookie }, validateStatus: () => true });
  const storeTokens = async (userId: string) =>
    host.app
      .get(TokenService)
      .storeTokens({ userId, provider: PROVIDER }, await provider.mintTokens({ sub: userId }));
  const logIn = async (userId: string): Promise<string> => {
    const { headers, status } = await send('POST', `/log-in/${userId}`);
    expect(status).toBe(201);
    return headers['set-cookie']!.at(-1)!.split(';')[0]!;
  };
  const me = async (cookie: string) => (await send('GET', '/me', cookie)).status;

  it('a session of the application ends with its tokens, and others go on', async () => {
    await storeTokens('ada');
    await storeTokens('bob');
    const [ada, bob] = [await logIn('ada'), await logIn('bob')];
    expect([await me(ada), await me(bob)]).toEqual([200, 200]);
    await host.app.get(TokenService).revokeTokens({ userId: 'ada', provider: PROVIDER });
    await expect.poll(() => me(ada), SOON).toBe(401);
    expect(await me(bob)).toBe(200);
    expect(await host.ids()).toHaveLength(1);
  });

  it('the tokens end with the last session of the application that hangs on them', async () => {
    await storeTokens('cleo');
    const [laptop, phone] = [await logIn('cleo'), await logIn('cleo')];
    const stored = () => host.app.get(TokenService).getTokens({ userId: 'cleo', provider: PROVIDER });
    await send('POST', '/log-out', laptop);
    expect(await stored()).not.toBeNull();
    expect([await me(laptop), await me(phone)]).toEqual([401, 200]);
    await send('POST', '/log-out', phone);
    expect(await stored()).toBeNull();
  });

  it('a user ends one from the list of devices', async () => {
    await storeTokens('dora');
    const cookie = await logIn('dora');
    const [tied] = await host.app.get(SessionService).list({ userId: 'dora' });
    await host.app.get(SessionService).endByHandle({ userId: 'dora', handle: tied!.handle });
    await expect.poll(() => me(cookie), SOON).toBe(401);
  });

  it('the database does not hold the ids of the application’s sessions', async () => {
    await storeTokens('eve');
    await logIn('eve');
    const dump = JSON.stringify(await host.app.get(DataSource).query('SELECT * FROM tokenward_sessions'));
    const ids = await host.ids();
    expect(ids.length).toBeGreaterThan(0);
    for (const id of ids) expect(dump).not.toContain(id);
  });
});

describe('A tie', () => {
  let database: TestDatabase;
  let replica: Replica;
  let destroyed: string[];
  let fault: Error | null;
  const options = () => tokenOptions(provider, { encryption });
  const encryption = { keyring: freshKeyring() };
  const hostSessions: HostSessions = {
    destroy: async (id) => {
      if (fault) throw fault;
      destroyed.push(id);
    },
  };
  const start = async (withHost = true): Promise<void> => {
    replica = await startReplica(database, options(), {
      imports: [SessionModule.forRoot(withHost ? { hostSessions } : {})],
    });
  };
  beforeEach(async () => {
    [destroyed, fault] = [[], null];
    database = await createDatabase('sqlite');
    await start();
  });
  afterEach(async () => {
    await replica.close();
    await database.drop();
  });
  const ties = () => replica.module.get(SessionTies);

  it('is kept until the application’s store takes it, over a restart', async () => {
    await ties().tie('session-1', { userId: 'ada' });
    fault = new Error('the store is away, and its message holds session-1');
    await replica.module.get(SessionService).endAll({ userId: 'ada' });
    await expect.poll(() => replica.events.map(({ type }) => type), SOON).toContain('host_session_kept');
    expect(JSON.stringify(replica.events)).not.toContain('session-1');
    expect(await ties().current('session-1')).toBeNull();
    fault = null;
    await replica.close();
    await start();
    await expect.poll(() => destroyed, SOON).toContain('session-1');
  });

  it('is no session of the cookie, and no cookie is a tie', async () => {
    const id = 'A'.repeat(43);
    await ties().tie(id, { userId: 'ada' });
    const sessions = replica.module.get(SessionService);
    expect(await ties().current(id)).toMatchObject({ userId: 'ada' });
    expect(await sessions.current({ headers: { cookie: `__Host-tokenward=${id}` } })).toBeNull();
  });

  it('is made once for a session: a log-in has to give it a new id', async () => {
    await ties().tie('session-1', { userId: 'ada' });
    await expect(ties().tie('session-1', { userId: 'eve' })).rejects.toThrow(/regenerate/);
    await ties().end('session-1');
    expect(await ties().current('session-1')).toBeNull();
    await expect(ties().tie('session-1', { userId: 'eve' })).rejects.toThrow(TokenInputError);
  });

  it.each(['', 'x'.repeat(513), 42, null])('takes no %s for the id of a session', async (id) => {
    await expect(ties().tie(id as string, { userId: 'ada' })).rejects.toThrow(/^sessionId: /);
    await expect(ties().current(id as string)).rejects.toThrow(/^sessionId: /);
    await expect(ties().end(id as string)).rejects.toThrow(/^sessionId: /);
  });

  it('needs to know how the application ends its sessions', async () => {
    await replica.close();
    await start(false);
    await expect(ties().tie('session-1', { userId: 'ada' })).rejects.toThrow(/hostSessions/);
  });
});

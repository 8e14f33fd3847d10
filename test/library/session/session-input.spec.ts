import { TokenConfigurationError, TokenInputError } from '@tokenward/nestjs';
import { SessionModule, type SessionModuleOptions, SessionService } from '@tokenward/nestjs/session';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../../support/app.js';
import { createDatabase, type TestDatabase } from '../../support/database.js';
import { SessionBrowser } from '../../support/session/session-browser.js';
import { statementsOf } from '../../support/session/statements.js';

const OPTIONS = {
  providers: { acme: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
  encryption: { keyring: freshKeyring() },
  refresh: { ahead: false },
  cleanup: false,
  revocation: false,
  rotation: false,
} as const;

let database: TestDatabase;
let replica: Replica;
let sessions: SessionService;
let browser: SessionBrowser;
let statements: string[];

beforeAll(async () => {
  database = await createDatabase('sqlite');
  replica = await startReplica(database, OPTIONS, { imports: [SessionModule.forRoot()] });
  sessions = replica.module.get(SessionService);
  browser = new SessionBrowser(sessions);
  statements = statementsOf(replica.dataSource);
});
afterAll(async () => {
  await replica.close();
  await database.drop();
});

const circle: Record<string, unknown> = {};
circle['circle'] = circle;

describe('Bad input is refused before the database is asked, by its name:', () => {
  const request = { headers: {} };
  const start = (what: unknown) => () => sessions.start(request, browser.response, what as never);
  it.each<[field: string, call: () => Promise<unknown>]>([
    ['what', start(null)],
    ['what.user', start({ user: 'ada' })],
    ['userId', start({})],
    ['userId', start({ userId: '' })],
    ['userId', start({ userId: 'x'.repeat(256) })],
    ['tenantId', start({ userId: 'ada', tenantId: 7 })],
    ['login', start({ userId: 'ada', login: 'acme' })],
    ['login.provider', start({ userId: 'ada', login: {} })],
    ['login.account', start({ userId: 'ada', login: { provider: 'acme', account: '' } })],
    ['login.subject', start({ userId: 'ada', login: { provider: 'acme', subject: 1 } })],
    ['login.sid', start({ userId: 'ada', login: { provider: 'acme', sid: 'a\nb' } })],
    ['login.session', start({ userId: 'ada', login: { provider: 'acme', session: 'x' } })],
    ['attributes', start({ userId: 'ada', attributes: 'x' })],
    ['attributes', start({ userId: 'ada', attributes: [] })],
    ['attributes', start({ userId: 'ada', attributes: null })],
    ['attributes', start({ userId: 'ada', attributes: circle })],
    ['attributes', start({ userId: 'ada', attributes: { count: 1n } })],
    ['attributes', start({ userId: 'ada', attributes: { text: 'ä'.repeat(2048) } })],
    ['attributes', start({ userId: 'ada', attributes: { toJSON: () => undefined } })],
    ['userAgent', start({ userId: 'ada', userAgent: ['x'] })],
    ['request', () => sessions.start(undefined as never, browser.response, { userId: 'ada' })],
    ['request', () => sessions.current({} as never)],
    ['request', () => sessions.update(null as never, { attributes: {} })],
    ['request', () => sessions.end('x' as never, browser.response)],
    ['request', () => sessions.endOthers(7 as never)],
    ['response', () => sessions.start(request, {}, { userId: 'ada' })],
    ['response', () => sessions.end(request, undefined as never)],
    ['response', () => sessions.end(request, { headersSent: true, getHeader: () => undefined })],
    ['attributes', () => sessions.update(request, {} as never)],
    ['attributes', () => sessions.update(request, undefined as never)],
    ['filter', () => sessions.list(undefined as never)],
    ['userId', () => sessions.list({} as never)],
    ['filter.handle', () => sessions.list({ userId: 'ada', handle: 'x' } as never)],
    ['handle', () => sessions.endByHandle({ userId: 'ada' } as never)],
    ['userId', () => sessions.endByHandle({ handle: 'x' } as never)],
    ['filter', () => sessions.endByHandle(undefined as never)],
    ['filter', () => sessions.endAll({})],
    ['filter', () => sessions.endAll({ userId: undefined })],
    ['filter.handle', () => sessions.endAll({ handle: 'x' } as never)],
    ['filter.userId', () => sessions.endAll({ userId: 7 as never })],
    ['filter.provider', () => sessions.endAll({ sid: 's1' })],
    ['filter.provider', () => sessions.endAll({ subject: 's1', userId: 'ada' })],
    ['filter.sessionId', () => replica.tokens.revokeAll({ sessionId: '' })],
  ])('%s (%#)', async (field, call) => {
    const before = statements.length;
    const error = await call().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TokenInputError);
    expect((error as TokenInputError).field).toBe(field);
    expect(statements.slice(before)).toEqual([]);
  });
});

describe('The options', () => {
  const faults = async (options: unknown): Promise<readonly string[]> => {
    const other = await createDatabase('sqlite');
    try {
      const started = await startReplica(other, OPTIONS, {
        imports: [SessionModule.forRoot(options as SessionModuleOptions)],
      });
      await started.close();
      return [];
    } catch (error) {
      expect(error).toBeInstanceOf(TokenConfigurationError);
      return (error as TokenConfigurationError).problems;
    } finally {
      await other.drop();
    }
  };

  it('are checked at the start, all faults at once', async () => {
    expect(
      await faults({
        idleSeconds: 59,
        absoluteSeconds: 1.5,
        cookie: { sameSite: 'none', persistent: 1, domain: 'example.com' },
        cache: { maxEntries: 0 },
        hostSessions: {},
        name: 'x',
      }),
    ).toEqual([
      'SessionModule idleSeconds: must be at least 60',
      expect.stringMatching(/^SessionModule absoluteSeconds: /),
      'SessionModule cookie.sameSite: must be "lax" or "strict"',
      expect.stringMatching(/^SessionModule cookie.persistent: /),
      'SessionModule cookie.domain: is not an option; check the spelling',
      'SessionModule cache.maxEntries: must be at least 1',
      'SessionModule hostSessions: must be an object with a method destroy(sessionId)',
      'SessionModule name: is not an option; check the spelling',
    ]);
    expect(await faults({ idleSeconds: 50_000 })).toEqual([
      'SessionModule absoluteSeconds: must not be less than idleSeconds, which is 50000',
    ]);
  });

  it('let no insecure cookie into production', async () => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    try {
      expect(await faults({ allowInsecureRequests: true })).toEqual([
        expect.stringMatching(/^SessionModule allowInsecureRequests: must not be set in production/),
      ]);
    } finally {
      process.env['NODE_ENV'] = before;
    }
  });

  it.each<[SessionModuleOptions, RegExp]>([
    [{}, /^__Host-tokenward=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/],
    [{ cookie: { sameSite: 'strict' } }, /; SameSite=Strict$/],
    [{ cookie: { persistent: true }, absoluteSeconds: 3_600 }, /; Max-Age=3600;/],
    [{ allowInsecureRequests: true }, /^tokenward=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/],
  ])('make the cookie: %j', async (options, expected) => {
    const other = await createDatabase('sqlite');
    const started = await startReplica(other, OPTIONS, { imports: [SessionModule.forRoot(options)] });
    const visitor = new SessionBrowser(started.module.get(SessionService));
    await visitor.logIn({ userId: 'ada' });
    expect(visitor.response.getHeader('set-cookie')).toEqual([expect.stringMatching(expected)]);
    expect(await visitor.current()).not.toBeNull();
    await started.close();
    await other.drop();
  });
});

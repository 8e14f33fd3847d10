import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RevocationEntity } from '@tokenward/nestjs';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type LoginApp, loginProviders, startLogin, startLoginApp } from '../support/login-app.js';
import type { LoginProvider } from '../support/login-provider.js';
import { Visitor } from '../support/visitor.js';

describe('A log-out', () => {
  let database: TestDatabase;
  let provider: LoginProvider;
  let app: LoginApp;
  let stop: () => Promise<void>;
  let ada: Visitor;

  beforeEach(async () => {
    database = await createDatabase('sqlite');
    ({ app, provider, stop } = await startLogin(database));
    ada = new Visitor();
    await ada.logIn(app.url, 'acme');
  });
  afterEach(async () => {
    await stop();
    await database.drop();
  });

  const sessionStatus = async (): Promise<number> => (await ada.ask(`${app.url}/auth/session`)).status;
  const tokenStatus = async (): Promise<string> =>
    (await app.tokens.listTokens({ userId: 'acme:ada', provider: 'acme' }))[0]!.status;

  it('that did not work leaves the user logged in, and works the next time', async () => {
    new DatabaseFaults(app.dataSource).fail(/SELECT lookup,/, 'before');
    expect((await ada.post(`${app.url}/auth/logout`)).status).toBe(500);
    expect([await sessionStatus(), await tokenStatus()]).toEqual([200, 'active']);
    expect((await ada.post(`${app.url}/auth/logout`)).status).toBe(200);
    expect([await sessionStatus(), await tokenStatus()]).toEqual([401, 'revoked']);
  });

  it('is done before a provider that does not say a word is given up', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, 'localhost', resolve));
    const issuer = `http://localhost:${(silent.address() as AddressInfo).port}`;
    const replica = await startLoginApp(database, provider, {
      providers: loginProviders({ ...provider, issuer }),
    });
    const headers = { cookie: ada.cookieFor(app.url), 'x-tokenward-csrf': '1' };
    const answer = await fetch(`${replica.url}/auth/logout`, { method: 'POST', headers });
    expect([answer.status, await answer.json()]).toEqual([200, { endSessionUrl: null }]);
    const gaveUp = replica.events.filter(({ type }) => type === 'revocation_postponed');
    expect(gaveUp, 'the provider is still being asked').toEqual([]);
    await expect.poll(sessionStatus).toBe(401);
    expect(await tokenStatus()).toBe('revoked');
    expect(await app.dataSource.getRepository(RevocationEntity).count(), 'it is not forgotten').toBe(1);
    await replica.close();
    const closed = new Promise((resolve) => silent.close(resolve));
    silent.closeAllConnections();
    await closed;
  });
});

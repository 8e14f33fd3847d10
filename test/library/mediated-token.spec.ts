import { Clock } from '@tokenward/nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type LoginApp, startLogin } from '../support/login-app.js';
import { Visitor } from '../support/visitor.js';

const LIFE_SECONDS = 300;
const BUSY_SECONDS = 100;

describe('A token that is handed to a page', () => {
  let database: TestDatabase;
  let app: LoginApp;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    database = await createDatabase('sqlite');
    ({ app, stop } = await startLogin(database));
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(async () => {
    await stop();
    await database.drop();
  });

  it.each([
    ['slow', -600_000],
    ['fast', 600_000],
  ])(
    'is used for as long as it lasts although this machine’s clock is ten minutes %s',
    async (_what, ahead) => {
      const visitor = new Visitor();
      await visitor.logIn(app.url, 'acme');
      vi.spyOn(app.app.get(Clock), 'machineTime').mockImplementation(() => Date.now() + ahead);
      app.events.length = 0;
      const refused = { 'x-tokenward-refused': '1' };
      for (const headers of [{}, {}, refused] as Record<string, string>[]) {
        const answer = await visitor.post(`${app.url}/auth/token/acme`, {
          headers: { 'x-tokenward-csrf': '1', ...headers },
        });
        const { expires_in: seconds } = (await answer.json()) as { expires_in: number };
        expect(seconds).toBeLessThanOrEqual(LIFE_SECONDS);
        expect(seconds).toBeGreaterThan(LIFE_SECONDS - BUSY_SECONDS);
      }
    },
  );
});

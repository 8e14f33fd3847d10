import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshKeyring } from '../support/app.js';
import { describeOnEachDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { type Bundle, bundleProcess } from '../support/rotation/bundle.js';
import { play } from '../support/rotation/play.js';

/** The short form of `npm run test:rotation`. SQLite serves one process only: see test/library/key-rotation.spec.ts. */
describeOnEachDatabase(
  'A rotation under load',
  ({ createDatabase }) => {
    let bundle: Bundle;
    let provider: TestProvider;
    beforeAll(async () => {
      bundle = await bundleProcess('replica.process');
      provider = await startProvider({ accessTokenTtlSeconds: 3600 });
    });
    afterAll(async () => {
      await provider.stop();
      await bundle.remove();
    });

    it(
      'fails no read and loses no token, whoever is killed and whoever lags behind',
      { timeout: 300_000 },
      async () => {
        const database = await createDatabase();
        const outcome = await play({
          database: database.options,
          file: bundle.file,
          provider,
          keyring: freshKeyring(),
          rows: 1_500,
          refreshedRows: 40,
          readsPerSecond: 100,
          seconds: 5,
          killEveryMs: 2_000,
        });
        expect(outcome).toMatchObject({ violations: [], failed: 0, lost: 0 });
        expect(outcome.kills).toBeGreaterThan(0);
        expect(outcome.fenced).toBeGreaterThan(0);
        await database.drop();
      },
    );
  },
  ['postgres', 'mariadb'],
);

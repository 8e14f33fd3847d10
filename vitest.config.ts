import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Under "module" some packages offer files for bundlers that Node.js itself cannot load.
const forNode = defaultServerConditions.filter((name) => name !== 'module');
const conditions = {
  resolve: { conditions: ['@tokenward/source', ...forNode] },
};

export default defineConfig({
  ssr: { resolve: { ...conditions.resolve, externalConditions: ['@tokenward/source'] } },
  test: {
    // Files wait for processes, databases and providers more than they compute: more at a time than small machines have cores.
    maxWorkers: 3,
    reporters: ['default', './test/support/skipped.reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['libs/*/src/**/*.spec.ts', 'src/**/*.spec.ts'],
          setupFiles: ['reflect-metadata'],
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.spec.ts', 'examples/**/*.spec.ts'],
          setupFiles: ['reflect-metadata'],
          globalSetup: ['test/support/databases.setup.ts', 'test/support/build.setup.ts'],
          // A condition comes when it comes: a machine with other work on it must fail no test.
          expect: { poll: { timeout: 90_000 } },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});

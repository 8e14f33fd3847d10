import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase } from '../support/database.js';
import { type Bundle, bundleProcess } from '../support/rotation/bundle.js';
import type { ServerKind } from '../support/servers/server.js';
import { perform } from './perform.js';
import { SCENARIOS } from './scenarios.js';
import { Crew } from './stage/crew.js';

/** The short form of `npm run test:faults`: the same scenarios, smaller; what they have counted decides, no time does. */
describeOnEachDatabase(
  'Four replicas',
  ({ kind, createDatabase }) => {
    let bundle: Bundle;
    let crew: Crew;
    beforeAll(async () => {
      bundle = await bundleProcess('replica.process', join(import.meta.dirname, 'stage'));
      crew = new Crew(bundle.file);
      crew.enlist(4);
    });
    afterAll(async () => {
      await crew.dismiss();
      await bundle.remove();
    });

    it.each(SCENARIOS.map((one) => ({ ...one, title: `line ${one.line}, ${one.name}: ${one.expected}` })))(
      'and $title',
      { timeout: 120_000 },
      async (scenario) => {
        const { outcome, misses } = await perform(scenario, kind as ServerKind, false, crew, createDatabase);
        expect(misses, JSON.stringify(outcome.facts)).toEqual([]);
      },
    );
  },
  ['postgres', 'mariadb'],
);

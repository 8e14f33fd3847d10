import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase } from '../support/database.js';
import { type Bundle, bundleProcess } from '../support/rotation/bundle.js';
import type { ServerKind } from '../support/servers/server.js';
import { perform } from './perform.js';
import { SCENARIOS } from './scenarios.js';
import { Crew } from './stage/crew.js';

/** `npm run test:faults` as tests: the same scenarios, smaller; what they have counted decides, no time does. */
export function describeShortForm(kind: ServerKind): void {
  describeOnEachDatabase(
    'A cluster',
    ({ createDatabase }) => {
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

      it.each(SCENARIOS.map((one) => [one.line, one.name, one.expected, one] as const))(
        'in line %i, %s: %s',
        { timeout: 120_000 },
        async (_line, _name, _expected, scenario) => {
          const { misses } = await perform(scenario, kind, false, crew, createDatabase);
          expect(misses.join('; ')).toBe('');
        },
      );
    },
    [kind],
  );
}

import type { TestDatabase } from '../support/database.js';
import type { ServerKind } from '../support/servers/server.js';
import { misses, type Outcome, type Scenario } from './scenario.js';
import type { Crew } from './stage/crew.js';
import { Stage } from './stage/stage.js';

export interface Performance {
  scenario: Scenario;
  kind: ServerKind;
  outcome: Outcome;
  misses: string[];
  seconds: number;
}

/** Plays one scenario on one database. One that breaks off is a miss. */
export async function perform(
  scenario: Scenario,
  kind: ServerKind,
  long: boolean,
  crew: Crew,
  createDatabase: () => Promise<TestDatabase>,
): Promise<Performance> {
  const stage = new Stage(kind, long, crew, createDatabase);
  const begun = performance.now();
  const brokenOff: string[] = [];
  const note = (error: Error): void => void brokenOff.push(`broken off: ${error.message}`);
  const outcome = await scenario.play(stage).catch((error: Error): Outcome => {
    note(error);
    return { runs: '', facts: [] };
  });
  await stage.clear().catch(note);
  const seconds = (performance.now() - begun) / 1000;
  return { scenario, kind, outcome, misses: [...misses(outcome, long), ...brokenOff], seconds };
}

import type { Reporter, TestModule } from 'vitest/node';
import { missingReasons } from './optional.js';

/** Says on the last lines of a run why tests were skipped. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    if (skipped.length === 0) return;
    for (const reason of missingReasons()) console.log(`skipped: ${reason}`);
  }
}

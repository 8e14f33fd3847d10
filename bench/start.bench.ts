import { setTimeout } from 'node:timers/promises';
import { ReferenceApp } from '../test/support/reference-app.js';
import { residentMegabytes } from '../test/support/resident.js';
import { median } from './measure.js';

/** Long enough for what a start leaves behind to be collected. */
const IDLE_MS = 5_000;

/** The built reference app with its local provider: from the start of the process to its banner, and what it then keeps. */
export async function startFigures(starts: number): Promise<object> {
  const readyMs: number[] = [];
  const megabytes: number[] = [];
  for (let run = 0; run < starts; run++) {
    const begin = performance.now();
    const app = await ReferenceApp.start();
    readyMs.push(performance.now() - begin);
    await setTimeout(IDLE_MS);
    megabytes.push(await residentMegabytes(app.pid));
    await app.remove();
  }
  return {
    id: 'P13',
    what: `reference app, median of ${starts} starts`,
    'ready ms': Math.round(median(readyMs)),
    'target ms': '<= 2000',
    'idle MB': Math.round(median(megabytes)),
    'target MB': '<= 170',
  };
}

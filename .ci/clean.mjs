// What an earlier build left must not outlive its source.
import { rmSync } from 'node:fs';

for (const directory of ['dist', 'libs/token/dist', 'libs/browser/dist']) {
  rmSync(new URL(`../${directory}`, import.meta.url), { recursive: true, force: true });
}

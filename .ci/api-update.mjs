// `npm run api:update`: states the public API of the built packages as the one that is meant.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiSurface } from './api-surface.mjs';
import { snapshotOf } from './checks/api.mjs';
import { projectRoot } from './command.mjs';
import { packages } from './pack.mjs';

for (const workspace of packages) {
  writeFileSync(snapshotOf(workspace), apiSurface(join(projectRoot, workspace)));
}

// `npm run api:update`: states the public API of the built library as the one that is meant.
import { writeFileSync } from 'node:fs';
import { apiSurface } from './api-surface.mjs';
import { snapshotFile } from './checks/api.mjs';

writeFileSync(snapshotFile, apiSurface());

import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { projectRoot } from '../command.mjs';

/** Bytes: what the documents promise, less than 5 KB. */
const LIMIT = 5000;

/** What a page loads for the browser package: all of it, bundled, minified and compressed. */
export default async function check() {
  const bundle = await rolldown({ input: join(projectRoot, 'libs/browser/dist/index.js') });
  const { output } = await bundle.generate({ format: 'es', minify: true });
  const { length } = gzipSync(output[0].code, { level: 9 });
  console.log(`        libs/browser: ${length} of ${LIMIT} bytes`);
  return length < LIMIT ? [] : [`libs/browser: ${length} bytes minified and gzipped, ${LIMIT} are too many`];
}

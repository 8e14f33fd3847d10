import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..', '..', '..');
/** Present only where a host installs them. */
const optional =
  /^(@fastify\/(multipart|static|view)|@nestjs\/(microservices|platform-express|websockets)|class-(transformer|validator))(\/|$)/;

/** A process as one file. */
export interface Bundle {
  file: string;
  remove(): Promise<void>;
}

/** From the sources a process needs three seconds of a core to start, as one file less than one: here one starts every second. */
export async function bundleProcess(name: string, folder = import.meta.dirname): Promise<Bundle> {
  // Below the packages that stay outside.
  const parent = join(root, 'test-results');
  await mkdir(parent, { recursive: true });
  const dir = await mkdtemp(join(parent, 'process-'));
  const bundle = await rolldown({
    input: join(folder, `${name}.ts`),
    platform: 'node',
    resolve: { conditionNames: ['@tokenward/source', 'node', 'import', 'default', 'require'] },
    external: [optional, 'reflect-metadata', 'better-sqlite3', 'mysql2', 'pg'],
    tsconfig: join(root, 'tsconfig.json'),
    checks: { eval: false },
  });
  await bundle.write({ dir, keepNames: true, strictExecutionOrder: true });
  await bundle.close();
  return { file: join(dir, `${name}.js`), remove: () => rm(dir, { recursive: true }) };
}

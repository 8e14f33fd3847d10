import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTokenEndpoint } from './token-endpoint.mjs';

const { startServer } = await import('../support/servers/start.ts');

export async function run(program, args, cwd, env = {}) {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
  const { stdout } = await promisify(execFile)(program, args, options);
  return stdout;
}

/** Installs and tells which versions it got. */
export async function install(root) {
  await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], root);
  const { dependencies } = JSON.parse(await run('npm', ['ls', '--json', '@nestjs/core', 'typeorm'], root));
  return ['@nestjs/core', 'typeorm'].map((name) => `${name} ${dependencies[name].version}`).join('\n');
}

/** Compiles; only faults of the application and of the package count, not those of other packages' types. */
export async function compile(root) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const output = await run(process.execPath, [compiler, '--pretty', 'false'], root).catch(
    (error) => error.stdout,
  );
  const faults = output
    .split('\n')
    .filter((line) => line.includes('error TS'))
    .filter((line) => !line.startsWith('node_modules/') || line.startsWith('node_modules/@tokenward/'));
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** The command line, as `npx tokenward` finds it. */
export async function commandLine(root) {
  const entry = await run('npx', ['--no-install', 'tokenward', 'keyring', 'generate', '--id', 'made'], root);
  if (!/^made:[A-Za-z0-9+/]{43}=\s*$/.test(entry))
    throw new Error(`tokenward keyring generate printed ${entry}`);
  const help = await run('npx', ['--no-install', 'tokenward', 'keys', '--help'], root);
  for (const command of ['status', 'plan', 'rotate', 'retire', 'restore', 'destroy', 'shred-tenant', 'kek'])
    if (!help.includes(command)) throw new Error(`tokenward keys --help does not know ${command}`);
}

export async function start(root) {
  const [database, endpoint] = await Promise.all([startServer('postgres'), startTokenEndpoint()]);
  const { host, port, username, password } = database.address;
  try {
    return await run(process.execPath, ['dist/main.js'], root, {
      DATABASE_URL: `postgres://${username}:${password}@${host}:${port}/postgres`,
      TOKEN_ENDPOINT: endpoint.url,
      TOKEN_KEYRING: `1:${randomBytes(32).toString('base64')}`,
    });
  } finally {
    endpoint.stop();
    await database.stop();
  }
}

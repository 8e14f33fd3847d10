import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { usageError } from './exit-code.js';
import { messageOf } from './failure.js';

const NAMES = ['tokenward.config.js', 'tokenward.config.mjs', 'tokenward.config.ts'];

const SAMPLE = `
  import { env } from 'node:process';
  import { tokenEntities } from '@tokenward/nestjs';
  import { DataSource } from 'typeorm';

  export default {
    dataSource: new DataSource({ type: 'postgres', url: env.DATABASE_URL, entities: [...tokenEntities] }),
    encryption: { keyring: { file: env.TOKEN_KEYRING_FILE } },
  };
`;

/** The default export of the configuration file. @throws CommandError that says what to do */
export async function loadConfigFile(named: string | undefined): Promise<unknown> {
  const file = named === undefined ? findConfigFile() : resolve(named);
  const shown = relative(process.cwd(), file) || file;
  if (!existsSync(file)) throw usageError(`The configuration ${shown} is not there. ${howToMakeOne()}`);
  const module = (await load(file, shown)) as { default?: unknown };
  const exported = module.default as { default?: unknown } | undefined;
  if (exported === undefined)
    throw usageError(
      `The configuration ${shown} has no default export: write \`export default { dataSource, encryption }\`.`,
    );
  // What a compiler has made of \`export default\` for CommonJS arrives one level deeper.
  return exported?.default ?? exported;
}

/** The configuration in the working directory, if there is one. */
export const defaultConfigFile = (): string | undefined =>
  NAMES.map((name) => join(process.cwd(), name)).find((file) => existsSync(file));

function findConfigFile(): string {
  const found = defaultConfigFile();
  if (!found) throw usageError(`There is no ${NAMES.join(', ')} in the working directory. ${howToMakeOne()}`);
  return found;
}

const howToMakeOne = (): string =>
  `Name a file with --config <file>, or make tokenward.config.mjs with the settings of your application:\n${SAMPLE}`;

async function load(file: string, shown: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    throw usageError(`The configuration ${shown} cannot be loaded: ${loadingFault(error)}`, error);
  }
}

function loadingFault(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return `Node.js ${process.versions.node} does not load TypeScript by itself. Use a .mjs file, compile it first, or run the CLI with a loader that you have installed, such as \`node --import tsx node_modules/@tokenward/nestjs/dist/cli/main.js\`.`;
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return `it uses TypeScript that Node.js ${process.versions.node} cannot run (decorators, enums, parameter properties): ${message}`;
    case undefined:
    default:
      // A parser of JSON quotes what it could not read, which may be a secret.
      return error instanceof SyntaxError && /JSON/.test(message)
        ? 'it reads JSON that is not valid.'
        : messageOf(error);
  }
}

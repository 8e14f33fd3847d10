import { userInfo } from 'node:os';
import type { KeyTools } from '../key-tools.js';
import { KeyError } from '../keys/key-wrapper.js';
import { type CliConfig, type DataSource, readConfig } from './config.js';
import { CommandError, EXIT } from './exit-code.js';
import { messageOf } from './failure.js';

export interface ConfigOptions {
  config?: string;
}

/** Reads the configuration, connects, works, and disconnects. @throws CommandError */
export async function withDatabase<T>(
  { config: file }: ConfigOptions,
  work: (config: CliConfig) => Promise<T>,
): Promise<T> {
  const config = await readConfig(file);
  try {
    await connect(config.dataSource);
    return await work(config);
  } finally {
    if (config.dataSource.isInitialized) await config.dataSource.destroy();
  }
}

/** The same with everything that works on keys. @throws CommandError, TokenError */
export async function withKeyTools<T>(
  options: ConfigOptions,
  work: (tools: KeyTools) => Promise<T>,
): Promise<T> {
  return withDatabase(options, async ({ dataSource, wrapper, rotation }) => {
    // Not loaded before it is needed: a keyring entry or a help text needs no database.
    const { createKeyTools } = await import('../key-tools.js');
    const tools = createKeyTools(dataSource, wrapper, rotation);
    try {
      await tools.database.assertTables();
      await assertRightKeys(tools);
      return await work(tools);
    } finally {
      await tools.close();
    }
  });
}

/**
 * With another key under a known id this process would take itself for a replica that holds it. A key or a key service
 * that is missing is another matter: the status shows it, and what needs no key can go on.
 */
async function assertRightKeys({ health }: KeyTools): Promise<void> {
  try {
    await health.assertKeysOpen();
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    if (error.reason === 'KEK_UNWRAP_FAILED' || error.reason === 'KEY_CHECK_FAILED')
      throw new CommandError(
        `${error.message}\nNothing was done: these are not the keys of this database. \`tokenward keyring check\` tries each of them.`,
        EXIT.attention,
      );
  }
}

async function connect(dataSource: DataSource): Promise<void> {
  // Whatever the application does when it starts: this tool leaves its schema alone.
  dataSource.setOptions({ synchronize: false, dropSchema: false, migrationsRun: false });
  try {
    if (!dataSource.isInitialized) await dataSource.initialize();
  } catch (error) {
    throw new CommandError(`The database cannot be reached: ${messageOf(error)}`, EXIT.refused, {
      cause: error,
    });
  }
}

/** Who stands in the audit trail unless `--actor` says otherwise. At most 64 characters. */
export function defaultActor(): string {
  try {
    return `cli:${userInfo().username}`.slice(0, 64);
  } catch {
    // In a container the user may have no name.
    return 'cli';
  }
}

import { SystemClock } from '../common/clock.js';
import { TokenConfigurationError } from '../common/errors.js';
import { SqlTokenRows } from '../database/sql-token-rows.js';
import { createKeyTools } from '../key-tools.js';
import type { KeyWrapper } from '../keys/key-wrapper.js';
import { resolveWrapper } from '../token.options.validation.js';
import type { DataSource, ImportDefinition } from './definition.js';

export type TargetParts = ReturnType<typeof targetParts>;

/** What of the library an import needs. @throws TokenConfigurationError for a bad keyring or a data source without the entities */
export function targetParts(target: DataSource, encryption: ImportDefinition['encryption']) {
  const { database, health, store, close } = createKeyTools(target, wrapperOf(encryption));
  return { database, health, store, close, rows: new SqlTokenRows(database), clock: new SystemClock() };
}

function wrapperOf(encryption: ImportDefinition['encryption']): KeyWrapper {
  try {
    return resolveWrapper(encryption);
  } catch (error) {
    if (!(error instanceof TokenConfigurationError)) throw error;
    throw new TokenConfigurationError(error.problems.map((problem) => `defineImport ${problem}`));
  }
}

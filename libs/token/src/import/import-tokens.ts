import { TokenConfigurationError } from '../common/errors.js';
import { Checkpoint } from './checkpoint.js';
import { type DataSource, defineImport, type ImportDefinition, resolveDefinition } from './definition.js';
import { Importer, type ImportObserver } from './importer.js';
import { ImportTarget } from './import-target.js';
import type { ImportReport } from './report.js';
import { SourceTable } from './source-table.js';
import { targetParts } from './target-parts.js';

export interface ImportOptions extends ImportObserver {
  /** Open and check everything, write nothing. Default false. */
  dryRun?: boolean;
  /** A file that remembers how far the import has come, so that the next run need not read everything again. */
  checkpoint?: string;
}

/**
 * Imports a table of your own into Tokenward. May be run again: rows that are there already are left alone. Connects data
 * sources that are not connected yet, and lets go of those again.
 * @throws TokenConfigurationError · ImportError when it cannot go on; a bad row is in the report instead
 */
export async function importTokens(
  definition: ImportDefinition,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const { dryRun = false, checkpoint, ...observer } = options;
  if (dryRun && checkpoint !== undefined)
    throw new TokenConfigurationError(['A dry run keeps no checkpoint: leave it out.']);
  const resolved = resolveDefinition(defineImport(definition));
  const { source, target, table, keyColumn, encryption } = resolved;
  const connected: DataSource[] = [];
  try {
    for (const dataSource of new Set([source, target]))
      if (await connect(dataSource)) connected.push(dataSource);
    const parts = targetParts(target, encryption);
    try {
      return await new Importer({
        definition: resolved,
        source: new SourceTable(source, table, keyColumn),
        target: new ImportTarget(parts),
        checkpoint: checkpoint === undefined ? null : new Checkpoint(checkpoint, resolved),
        dryRun,
        observer,
      }).run();
    } finally {
      await parts.close();
    }
  } finally {
    await Promise.all(connected.map((dataSource) => dataSource.destroy()));
  }
}

/** True if it was not connected before. */
async function connect(dataSource: DataSource): Promise<boolean> {
  if (dataSource.isInitialized) return false;
  // Whatever the application does when it starts: an import changes no schema.
  dataSource.setOptions({ synchronize: false, dropSchema: false, migrationsRun: false });
  await dataSource.initialize();
  return true;
}

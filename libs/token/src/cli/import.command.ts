import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Presets, SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { defineImport, type ImportDefinition } from '../import/definition.js';
import { importTokens } from '../import/import-tokens.js';
import type { ImportObserver } from '../import/importer.js';
import type { ImportProgress, ImportReport } from '../import/report.js';
import { CommandError, EXIT, usageError } from './exit-code.js';
import { count, number, table } from './format.js';
import { jsonOption } from './options.js';
import { Terminal } from './terminal.js';

const DEFAULT_FILE = 'tokenward.import.js';

interface ImportCommandOptions {
  dryRun?: boolean;
  checkpoint?: string;
  checkRows?: number;
  json?: boolean;
}

export function importCommand(terminal = new Terminal()): Command {
  return new Command('import')
    .description('bring tokens from a table of your own into Tokenward; that table is only read')
    .argument('[file]', 'module whose default export is made by defineImport()', DEFAULT_FILE)
    .option('--dry-run', 'open and check every row, write nothing')
    .option('--checkpoint <file>', 'remember here how far it has come; the next run goes on from there')
    .option(
      '--check-rows <number>',
      'stop at once if none of so many first rows opens; 0: never',
      wholeNumber,
    )
    .addOption(jsonOption())
    .action(async (file: string, options: ImportCommandOptions) => run(terminal, file, options));
}

async function run(terminal: Terminal, file: string, options: ImportCommandOptions): Promise<void> {
  const { dryRun = false, checkpoint, checkRows } = options;
  const definition = await load(file);
  const display = displayOn(terminal);
  let report: ImportReport;
  try {
    report = await importTokens(
      { ...definition, ...(checkRows === undefined ? {} : { checkRows }) },
      { dryRun, ...(checkpoint === undefined ? {} : { checkpoint }), ...display },
    );
  } finally {
    display.end();
  }
  terminal.print(options.json ? JSON.stringify(report, null, 2) : summary(report, definition.table));
  const faults = faultsOf(report);
  if (faults.length > 0) throw new CommandError(faults.join('\n'), EXIT.attention);
}

/** Why not all rows are in Tokenward. */
function faultsOf({ failed, duplicates }: ImportReport): string[] {
  const failures = `${count(failed, 'row')} could not be imported, see above. Run the import again once the cause is removed: what is stored is left alone.`;
  const left = `${count(duplicates, 'row has', 'rows have')} the same ref as a row before, which is the one that counts. Where that is wrong, have \`map\` tell them apart (ref.account), or skip the older ones.`;
  return [...(failed > 0 ? [failures] : []), ...(duplicates > 0 ? [left] : [])];
}

async function load(named: string): Promise<ImportDefinition> {
  const file = resolve(named);
  const shown = relative(process.cwd(), file) || file;
  if (!existsSync(file))
    throw usageError(
      `There is no ${shown}: write one as in docs/import.md, or name it: tokenward import <file>`,
    );
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
  } catch (error) {
    throw usageError(`${shown} cannot be loaded: ${loadingFault(error)}`, error);
  }
  // What a compiler has made of `export default` for CommonJS arrives one level deeper.
  const definition = (exported as { default?: unknown } | undefined)?.default ?? exported;
  if (definition === undefined)
    throw usageError(`${shown} has no default export: export default defineImport({ … })`);
  return defineImport(definition as ImportDefinition);
}

function loadingFault(error: unknown): string {
  const { name = 'Error', message = '' } = error as Partial<Error>;
  if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return 'this Node.js does not run TypeScript; compile the file first.';
  // A parser of JSON quotes what it could not read.
  return error instanceof SyntaxError ? name : message.split('\n')[0] || name;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** A bar for a person; for a log, a line for every twentieth of the table. Failed rows are told at once. */
function displayOn(terminal: Terminal): Required<ImportObserver> & { end(): void } {
  const interactive = terminal.notes.isTTY === true;
  const show = interactive ? bar(terminal) : lines(terminal);
  return {
    ...show,
    onFailure({ key, reason, detail }) {
      // The bar is drawn again below the line that takes its place.
      terminal.note(`${interactive ? '\r\u001B[K' : ''}failed: ${key}, ${reason}: ${detail}`);
    },
  };
}

type Display = { onProgress(progress: ImportProgress): void; end(): void };

function bar({ notes }: Terminal): Display {
  const format = 'Importing [{bar}] {percentage}% of {rows}, {failed} failed, {eta_formatted} left';
  const view = new SingleBar(
    { format, stream: notes, barsize: 30, hideCursor: false, gracefulExit: false, forceRedraw: true },
    Presets.legacy,
  );
  let started = false;
  return {
    onProgress({ total, read, failed }) {
      if (!started) view.start(total, 0, { rows: count(total, 'row'), failed });
      started = true;
      view.update(Math.min(read, total), { failed: number(failed) });
    },
    end: () => view.stop(),
  };
}

function lines(terminal: Terminal): Display {
  let twentieths = 0;
  return {
    onProgress({ total, read, failed }) {
      const now = Math.floor((20 * Math.min(read, total)) / Math.max(total, 1));
      if (now === twentieths) return;
      twentieths = now;
      terminal.note(
        `${number(read)} of ${count(total, 'row')} read, ${number(failed)} failed (${now * 5} %)`,
      );
    },
    end: () => undefined,
  };
}

function summary(report: ImportReport, source: string): string {
  const { dryRun, resumedAfter, failedByReason } = report;
  const head = dryRun
    ? `Dry run of the import from "${source}": nothing was written.`
    : `Import from "${source}"${resumedAfter === null ? '' : `, continued after key ${resumedAfter}`}:`;
  const counts: [string, number][] = [
    ['read', report.read],
    [dryRun ? 'would be imported' : 'imported', report.imported],
    ['there already, left alone', report.exists],
    ['  of these with other tokens', report.existsWithOtherTokens],
    ['left out, same ref as a row before', report.duplicates],
    ['skipped by map', report.skipped],
    ['failed', report.failed],
    ...Object.entries(failedByReason).map(([reason, rows]): [string, number] => [`  ${reason}`, rows]),
  ];
  return `${head}\n${table(['rows', 'number'], counts)}`;
}

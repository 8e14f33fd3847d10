import { ArgumentError, readOptions } from '../support/command.js';
import type { ServerKind } from '../support/servers/server.js';
import { LINES } from './scenarios.js';

export interface Arguments {
  long: boolean;
  lines: readonly number[];
  databases: readonly ServerKind[];
}

const KINDS: readonly ServerKind[] = ['postgres', 'mariadb'];

/** @throws ArgumentError */
export function readArguments(): Arguments {
  const { long, only, database } = readOptions({
    long: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    database: { type: 'string', multiple: true },
  });
  return {
    long,
    lines: words(only)?.map(lineOf) ?? LINES,
    databases: words(database)?.map(kindOf) ?? KINDS,
  };
}

/** Values of an option that may be given twice, and hold several with commas between. */
const words = (values: readonly string[] | undefined): string[] | undefined =>
  values?.flatMap((value) => value.split(','));

function lineOf(word: string): number {
  const line = LINES.find((one) => String(one) === word);
  if (line === undefined)
    throw new ArgumentError(`--only takes lines out of ${LINES.join(', ')}, not "${word}".`);
  return line;
}

function kindOf(word: string): ServerKind {
  const kind = KINDS.find((one) => one === word);
  if (kind === undefined) throw new ArgumentError(`--database takes ${KINDS.join(' or ')}, not "${word}".`);
  return kind;
}

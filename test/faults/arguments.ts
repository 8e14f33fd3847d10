import { parseArgs } from 'node:util';
import type { ServerKind } from '../support/servers/server.js';
import { LINES } from './scenarios.js';

export interface Arguments {
  long: boolean;
  lines: readonly number[];
  databases: readonly ServerKind[];
}

/** What was asked for cannot be done; the message is one sentence for whoever has typed it. */
export class ArgumentError extends Error {}

const KINDS: readonly string[] = ['postgres', 'mariadb'] satisfies ServerKind[];

/** @throws ArgumentError */
export function readArguments(args: readonly string[]): Arguments {
  const { long, only, database } = parse(args);
  const lines = words(only).map((word) => {
    if (!LINES.includes(Number(word)) || !/^\d+$/.test(word))
      throw new ArgumentError(`--only takes lines out of ${LINES.join(', ')}, not "${word}".`);
    return Number(word);
  });
  const databases = words(database).map((word) => {
    if (!KINDS.includes(word))
      throw new ArgumentError(`--database takes ${KINDS.join(' or ')}, not "${word}".`);
    return word as ServerKind;
  });
  return {
    long,
    lines: only === undefined ? LINES : lines,
    databases: database === undefined ? (KINDS as ServerKind[]) : databases,
  };
}

/** Values of an option that may be given twice, and hold several with commas between. */
const words = (values: readonly string[] | undefined): string[] =>
  (values ?? []).flatMap((value) => value.split(',')).map((value) => value.trim());

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        long: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true },
        database: { type: 'string', multiple: true },
      },
    });
    return values;
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ');
    throw new ArgumentError(`${sentence}; known are --long, --only 3,5 and --database postgres.`);
  }
}

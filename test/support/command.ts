import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** What was asked for cannot be done; the message is one sentence for whoever has typed it. */
export class ArgumentError extends Error {}

/** The options as they were typed. @throws ArgumentError that names those which there are */
export function readOptions<const Known extends Options>(options: Known) {
  return read(options, () => parseArgs({ options }).values);
}

/** The same with words beside them, each of which is one of `words`. @throws ArgumentError */
export function readWordsAndOptions<const Known extends Options, Word extends string>(
  options: Known,
  words: readonly Word[],
) {
  const { values, positionals } = read(options, () => parseArgs({ options, allowPositionals: true }));
  const unknown = positionals.find((word) => !words.includes(word as Word));
  if (unknown !== undefined)
    throw new ArgumentError(`There is no "${unknown}"; known are ${words.join(', ')}.`);
  return { values, words: positionals as Word[] };
}

function read<Read>(options: Options, parse: () => Read): Read {
  try {
    return parse();
  } catch (error) {
    const [sentence] = (error as Error).message.split(/[.\n]/);
    const known = Object.keys(options).map((name) => `--${name}`);
    throw new ArgumentError(`${sentence}; known are ${known.join(', ')}.`);
  }
}

/** @throws ArgumentError */
export function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < least)
    throw new ArgumentError(`--${option} takes a whole number from ${least}, not "${text}".`);
  return number;
}

/** Runs a command to its end; a wrong argument ends it with its sentence and the exit code 2. */
export async function runCommand(command: () => Promise<void> | void): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}

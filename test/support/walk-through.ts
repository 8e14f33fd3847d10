/** A command of a `console` block with everything that it shows. */
export interface ShownCommand {
  line: string;
  shown: string;
}

interface Part {
  /** What has to happen or to be true before, in the words of comments of the document. */
  before: string[];
  command: ShownCommand;
}

/** The commands of a document in their order. @throws Error for a comment that no command follows */
export function readWalkThrough(document: string): Part[] {
  const found: Part[] = [];
  let before: string[] = [];
  for (const [, step, block] of document.matchAll(
    /^<!-- walk-through: (.+?) -->$|^```console\n(.*?)^```$/gms,
  )) {
    if (step !== undefined) before.push(step);
    else
      for (const command of commandsOf(block!)) {
        found.push({ before, command });
        before = [];
      }
  }
  if (before.length > 0) throw new Error(`no command follows the step "${before.join(', ')}"`);
  return found;
}

function commandsOf(block: string): ShownCommand[] {
  const [before, ...commands] = block.split(/^\$ /m);
  if (before !== '') throw new Error(`a console block begins with "$ ", not with "${before}"`);
  return commands.map((command) => {
    const [line, ...shown] = command.trimEnd().split('\n');
    return { line: line!, shown: shown.join('\n') };
  });
}

/** What the document types at the questions of a command. */
export const answersIn = (shown: string): string[] =>
  [...shown.matchAll(/(?:\[y\/N\]|to go on:) (.*)$/gm)].map(([, answer]) => answer!);

const UUID = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g;

/** Which real id stands behind which id of the document: the same one everywhere. */
export class Ids {
  readonly #real = new Map<string, string>();

  /** Learns ids from output at the places where the document shows one that it has not shown before. */
  learn(shown: string, real: string): void {
    const inReal = real.match(UUID) ?? [];
    for (const [index, id] of (shown.match(UUID) ?? []).entries())
      if (!this.#real.has(id) && inReal[index] !== undefined && !this.#isKnown(inReal[index]))
        this.#real.set(id, inReal[index]);
  }

  /** Text of the document with the real ids. */
  fill(shown: string): string {
    return shown.replaceAll(UUID, (id) => this.#real.get(id) ?? id);
  }

  #isKnown(id: string): boolean {
    return [...this.#real.values()].includes(id);
  }
}

/** Without what differs from run to run: times, keys, the name of the user, and the width of columns. */
export const comparable = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, '<time>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/[A-Za-z0-9+/]{43}=/g, '<key>')
    .replaceAll(/cli:\S+/g, 'cli:<user>')
    .replaceAll(/(?<=\S) {2,}/g, '  ')
    .trimEnd();

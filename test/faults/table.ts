import type { Performance } from './perform.js';

const COLUMNS = [
  ['line', 4],
  ['scenario', 30],
  ['database', 8],
  ['runs', 24],
  ['expected', 34],
  ['seen', 44],
  ['', 6],
] as const;

/** One row, as many lines high as its longest cell. */
export const row = (cells: readonly string[]): string => {
  const wrapped = COLUMNS.map(([, width], index) => wrap(cells[index] ?? '', width));
  const height = Math.max(...wrapped.map(({ length }) => length));
  const lines = Array.from({ length: height }, (_, line) =>
    wrapped
      .map((texts, index) => (texts[line] ?? '').padEnd(COLUMNS[index]![1]))
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
};

export const heading = (): string =>
  `${row(COLUMNS.map(([name]) => name))}\n${COLUMNS.map(([, width]) => '-'.repeat(width)).join('  ')}`;

export function rowOf({ scenario, kind, outcome, misses }: Performance): string {
  const seen = outcome.facts.map(({ what, seen: value }) => `${what}: ${value}`);
  const brokenOff = misses.filter((miss) => miss.startsWith('broken off'));
  return row([
    String(scenario.line),
    scenario.name,
    kind,
    outcome.runs,
    scenario.expected,
    [...seen, ...brokenOff].join('; '),
    misses.length === 0 ? 'holds' : 'MISSED',
  ]);
}

/** Breaks between words; a word that is too long for a line is broken as well. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).flatMap((one) => one.match(new RegExp(`.{1,${width}}`, 'g')) ?? [])) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

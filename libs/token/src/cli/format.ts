/** `2026-11-23 21:06:12 UTC`: the same width always, and the same words for everybody on call. */
export const instant = (date: Date): string => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

export const number = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

/** `1 row`, `2,000 rows`. */
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`;

/** Columns as wide as they need to be; numbers to the right. No line ends with a space. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? number(cell) : cell)));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]!.length)),
  );
  const toTheRight = head.map(
    (_title, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        toTheRight[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return [line(head), ...cells.map(line)].join('\n');
}

export const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

/** A heading with what belongs to it. */
export const section = (title: string, body: string): string => `${title}\n${indent(body)}`;

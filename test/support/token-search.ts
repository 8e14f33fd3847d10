import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whatever could stand for a token: itself, the telling parts of a JWT, and both in the usual encodings. */
function traces(token: string): string[] {
  const parts = token.split('.').length === 3 ? token.split('.').slice(1) : [];
  return [token, ...parts].flatMap((value) => {
    const bytes = Buffer.from(value);
    return [
      value,
      bytes.toString('base64').replace(/=+$/, ''),
      bytes.toString('base64url'),
      bytes.toString('hex'),
    ];
  });
}

/** Which of these tokens can be found in a text. */
export function tokensIn(text: string, tokens: Iterable<string>): string[] {
  return [...tokens].filter((token) => traces(token).some((trace) => text.includes(trace)));
}

/** Everything a database file and the files beside it hold, as text whose characters are bytes. */
export function bytesOf(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => readFileSync(join(parentPath, name), 'latin1'))
    .join('\n');
}

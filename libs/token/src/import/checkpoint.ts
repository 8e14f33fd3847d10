import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { lookupHash } from '../crypto/lookup-hash.js';
import type { DataSource, ResolvedDefinition } from './definition.js';
import { ImportError } from './import.error.js';
import type { TallyState } from './report.js';
import { keyFromJson, keyToJson, type SourceKey } from './source-key.js';

const count = z.int().min(0);
const schema = z.strictObject({
  version: z.literal(1),
  import: z.string(),
  after: z.unknown(),
  tally: z.strictObject({
    counts: z.strictObject({
      read: count,
      imported: count,
      exists: count,
      existsWithOtherTokens: count,
      duplicates: count,
      skipped: count,
      failed: count,
    }),
    failedByReason: z.record(z.string(), count),
    failures: z.array(z.strictObject({ key: z.string(), reason: z.string(), detail: z.string() })),
  }),
});

export interface Position {
  after: SourceKey;
  tally: TallyState;
}

/** A file that says how far an import has come: keys and counts, no token. It is gone when the import has ended. */
export class Checkpoint {
  readonly #import: string;

  constructor(
    private readonly file: string,
    { source, target, table, keyColumn }: ResolvedDefinition,
  ) {
    this.#import = lookupHash(['import', ...addressOf(source), ...addressOf(target), table, keyColumn]);
  }

  /** Null when there is none yet. @throws ImportError for one of another import: rows would be left out */
  async read(): Promise<Position | null> {
    const text = await this.#text();
    if (text === null) return null;
    const { success, data } = schema.safeParse(parsed(text));
    const after = success ? keyFromJson(data.after) : null;
    if (!success || after === null) throw this.#invalid('is not a checkpoint of this version');
    if (data.import !== this.#import)
      throw this.#invalid('belongs to an import of another table, or between other databases');
    return { after, tally: data.tally };
  }

  /** Whole or not at all: a process that is killed meanwhile leaves the one before. */
  async write({ after, tally }: Position): Promise<void> {
    const next = `${this.file}.new`;
    const text = JSON.stringify({ version: 1, import: this.#import, after: keyToJson(after), tally });
    try {
      await writeFile(next, `${text}\n`, { flush: true });
      await rename(next, this.file);
    } catch (error) {
      throw this.#invalid(`cannot be written (${(error as NodeJS.ErrnoException).code})`);
    }
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true });
  }

  async #text(): Promise<string | null> {
    try {
      return await readFile(this.file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return null;
      throw this.#invalid(`cannot be read (${code})`);
    }
  }

  #invalid(why: string): ImportError {
    return new ImportError(
      'CHECKPOINT_INVALID',
      `The checkpoint ${this.file} ${why}. Without it the import begins anew, which does no harm.`,
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

/** Tells databases apart; the password of an address is not in it. */
function addressOf({ options, driver }: DataSource): string[] {
  const { host, port, url } = options as { host?: unknown; port?: unknown; url?: unknown };
  const { hostname = '', port: urlPort = '' } =
    typeof url === 'string' && URL.canParse(url) ? new URL(url) : {};
  const { database = options.database } = driver;
  return [options.type, text(host) || hostname, text(port) || urlPort, text(database)];
}

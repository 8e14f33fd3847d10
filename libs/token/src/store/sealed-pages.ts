import { type EmptyingKey, type SealedRow, SealedRows } from './sealed-rows.js';

interface Range {
  /** Ids after this one, */
  after: string;
  /** up to and with this one; null: to the last. */
  end: string | null;
}

interface PageSettings {
  batchSize: number;
  leaseMs: number;
}

/** The rows under a key, page by page. The next page is on its way while this one is worked on. */
export async function* sealedPages(
  rows: SealedRows,
  key: EmptyingKey,
  { after, end }: Range,
  { batchSize, leaseMs }: PageSettings,
): AsyncGenerator<SealedRow[]> {
  const read = (last: string): Promise<SealedRow[]> => {
    const page = rows.page(key, last, batchSize, leaseMs);
    // Who awaits it learns of a failure; nobody does when the walk has ended before.
    page.catch(() => undefined);
    return page;
  };
  for (let next = read(after); ;) {
    const page = await next;
    if (page.length === 0) return;
    const last = page.at(-1)!.id;
    const within = end === null ? page : page.filter(({ id }) => id <= end);
    const done = within.length < page.length || page.length < batchSize;
    if (!done) next = read(last);
    if (within.length > 0) yield within;
    if (done) return;
  }
}

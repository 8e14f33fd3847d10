import type { KeyTools } from '../key-tools.js';
import { EXIT, interruption } from './exit-code.js';
import { count } from './format.js';
import { pause } from './interrupt.js';
import { type Progress, progressOn } from './progress.js';
import type { Terminal } from './terminal.js';

const LOOK_MS = 2_000;
/** So many rows that cannot be opened are named. */
const SHOWN = 20;
const WHAT_NEXT =
  'The job of the application retires the emptied keys an hour after their rotation; `tokenward keys retire --all-empty` does now.';
const RESUMES =
  'Stopped. What was moved stays moved, and every token can be read. The job of the application goes on; so does `tokenward keys reencrypt`.';

/** Moves the rows that are under old keys and shows how far it is. @throws CommandError after Ctrl-C */
export async function reencrypt(
  terminal: Terminal,
  { keys, maintenance, events }: Pick<KeyTools, 'keys' | 'maintenance' | 'events'>,
  signal: AbortSignal,
): Promise<void> {
  const unreadable: string[] = [];
  events.stream.subscribe((event) => {
    if (event.type === 'row_quarantined') unreadable.push(`row ${event.recordId}: ${event.reason}`);
  });
  const { rowsLeft } = (await keys.status()).reencryption;
  const progress = rowsLeft === 0 ? null : progressOn(terminal, rowsLeft);
  if (progress)
    await watched(keys, progress, signal, () =>
      maintenance.reencrypt({ signal, onProgress: (moved) => progress.moved(moved) }),
    );
  if (signal.aborted) throw interruption(RESUMES);
  await summarize(terminal, keys, { rowsLeft, unreadable });
}

/** Other replicas may be moving rows, too: only the database knows how many are left. */
async function watched(
  keys: KeyTools['keys'],
  progress: Progress,
  stopped: AbortSignal,
  work: () => Promise<unknown>,
): Promise<void> {
  const done = new AbortController();
  const watching = look(keys, progress, AbortSignal.any([stopped, done.signal]));
  try {
    await work();
  } finally {
    done.abort();
    await watching;
    progress.end();
  }
}

async function look(keys: KeyTools['keys'], progress: Progress, ended: AbortSignal): Promise<void> {
  for (;;) {
    await pause(LOOK_MS, ended);
    if (ended.aborted) return;
    // A look that fails is no reason to end the work.
    const status = await keys.status().catch(() => null);
    if (status) progress.seen(status.reencryption);
  }
}

async function summarize(
  terminal: Terminal,
  keys: KeyTools['keys'],
  before: { rowsLeft: number; unreadable: readonly string[] },
): Promise<void> {
  const { rowsLeft, quarantinedRows } = (await keys.status()).reencryption;
  const moved = before.rowsLeft - rowsLeft - before.unreadable.length;
  terminal.print(
    `${before.rowsLeft === 0 ? 'Nothing to re-encrypt' : `Re-encrypted ${count(moved, 'row')}`}: ${left(rowsLeft, quarantinedRows)}`,
  );
  if (quarantinedRows === 0) {
    if (moved > 0 && rowsLeft === 0) terminal.note(WHAT_NEXT);
    return;
  }
  terminal.exitCode = EXIT.attention;
  terminal.print(
    `${count(quarantinedRows, 'row')} cannot be opened and ${quarantinedRows === 1 ? 'was' : 'were'} left as found.`,
  );
  for (const row of before.unreadable.slice(0, SHOWN)) terminal.print(`- ${row}`);
}

function left(rows: number, quarantined: number): string {
  if (rows > 0)
    return `${count(rows, 'row')} left under old keys, which a refresh holds right now; the job of the application takes them up.`;
  return quarantined === 0
    ? 'no row is left under an old key.'
    : 'no row that can be opened is left under an old key.';
}

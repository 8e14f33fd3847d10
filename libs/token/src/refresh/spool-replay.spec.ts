import { expect, it, vi } from 'vitest';
import { type TokenEvent, TokenEvents } from '../common/events.js';
import type { SpoolDirectory } from '../store/spool-directory.js';
import { FixedClock } from '../testing/fixed-clock.js';
import { Spool } from './spool.js';
import { SpoolReplay } from './spool-replay.js';

const file = { name: 'answer.spool', id: 'answer', unfinished: false };

it.each([
  ['EMFILE', 'is read again in the next round', 2, []],
  ['EACCES', 'is told, and not read again', 1, ['spool_file_unreadable']],
])('a file that fails with %s %s', async (code, _what, reads, told) => {
  const clock = new FixedClock();
  const events = new TokenEvents();
  const seen: TokenEvent['type'][] = [];
  events.stream.subscribe(({ type }) => void (type === 'spool_checked' || seen.push(type)));
  const list = vi.fn<SpoolDirectory['list']>(async () => [file]);
  const read = vi.fn<SpoolDirectory['read']>(async () =>
    Promise.reject(Object.assign(new Error('no'), { code })),
  );
  const directory = { probe: async () => undefined, list, read } as unknown as SpoolDirectory;
  const spool = new Spool(directory, events);
  const replay = new SpoolReplay({ spool } as ConstructorParameters<typeof SpoolReplay>[0], clock, events);
  await replay.start();
  await expect
    .poll(async () => {
      await clock.advance(5_000);
      return list.mock.calls.length;
    })
    .toBeGreaterThan(reads);
  expect(read.mock.calls.length >= reads && (told.length === 0 || read.mock.calls.length === reads)).toBe(
    true,
  );
  expect(seen).toEqual(told);
  await replay.stop();
});

import { expect, it, vi } from 'vitest';
import { type TokenEvent, TokenEvents } from '../common/events.js';
import type { SpoolDirectory } from '../store/spool-directory.js';
import { FixedClock } from '../testing/fixed-clock.js';
import { Spool } from './spool.js';
import { SpoolReplay } from './spool-replay.js';

const file = { name: 'answer.spool', id: 'answer', unfinished: false };

it.each([
  ['EMFILE', 'is told once, and read again in each round', 3],
  ['EACCES', 'is told, and not read again', 1],
])('a file that fails with %s %s', async (code, _what, reads) => {
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
      if (list.mock.calls.length < 3) await clock.advance(5_000);
      return list.mock.calls.length;
    })
    .toBe(3);
  await replay.stop();
  expect(read.mock.calls).toHaveLength(reads);
  expect(seen).toEqual(['spool_file_unreadable']);
});

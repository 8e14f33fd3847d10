import { expect, it } from 'vitest';
import { once } from './once.js';

/** A write that is done by the first try, whose answer gets lost. */
function lost(isDone: boolean): () => Promise<boolean> {
  let tries = 0;
  return once(
    async () => {
      if (tries++ === 0) throw new Error('the connection was lost');
      return false;
    },
    async () => isDone,
  );
}

it('knows a write again whose answer got lost', async () => {
  const write = lost(true);
  await expect(write()).rejects.toThrow('lost');
  expect(await write()).toBe(true);
});

it('does not take the write of somebody else for its own', async () => {
  const write = lost(false);
  await expect(write()).rejects.toThrow('lost');
  expect(await write()).toBe(false);
  const late = once(
    async () => false,
    async () => true,
  );
  expect(await late(), 'of the first try, which has its answer').toBe(false);
});

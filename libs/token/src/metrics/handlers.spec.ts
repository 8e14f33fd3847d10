import { expect, it } from 'vitest';
import { dispatcher } from './handlers.js';

it('hands an event to all subjects that handle its type, and to no other', () => {
  const handled: string[] = [];
  const dispatch = dispatcher([
    { job_run: ({ job }) => handled.push(`first: ${job}`), write_fenced: () => handled.push('fenced') },
    { job_run: ({ job }) => handled.push(`second: ${job}`) },
  ]);
  dispatch({ type: 'job_run', job: 'rotate', outcome: 'succeeded', processed: 1 });
  dispatch({ type: 'spool_missing' });
  expect(handled).toEqual(['first: rotate', 'second: rotate']);
});

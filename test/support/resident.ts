import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Resident memory of a process in MB. */
export async function residentMegabytes(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}

/** How much more memory than before a process takes at most while work is under way. */
export async function growthDuring(pid: number, work: Promise<unknown>): Promise<number> {
  const before = await residentMegabytes(pid);
  const underWay = { now: true };
  const done = work.finally(() => (underWay.now = false));
  let most = before;
  while (underWay.now) most = Math.max(most, await residentMegabytes(pid));
  await done;
  return most - before;
}

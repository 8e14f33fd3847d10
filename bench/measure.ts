import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** One way of doing a thing; `run` does it once. */
export interface Case {
  name: string;
  run: () => unknown;
  /** Of the process that does the work, where that is not this one: its CPU time is what counts. */
  pid?: number;
}

export interface Measured {
  name: string;
  /** Median of the rounds. */
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuMicroseconds: number;
}

export interface Effort {
  rounds: number;
  roundMs: number;
}

export const machine = (): string =>
  `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, Node.js ${process.version}`;

/** Runs the cases in turns (A B A B …), so that what else the machine does falls on all of them alike. */
export async function interleaved(
  cases: Case[],
  callers: number,
  { rounds, roundMs }: Effort,
): Promise<Measured[]> {
  const results = cases.map(() => ({ rates: [] as number[], times: [] as number[], cpu: 0, count: 0 }));
  for (const [index, one] of cases.entries()) await round(one, callers, roundMs / 2, results[index]!, true);
  for (let turn = 0; turn < rounds; turn++) {
    for (const [index, one] of cases.entries()) await round(one, callers, roundMs, results[index]!, false);
  }
  return cases.map(({ name }, index) => {
    const { rates, times, cpu, count } = results[index]!;
    const sorted = times.toSorted((a, b) => a - b);
    return {
      name,
      perSecond: median(rates),
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      cpuMicroseconds: cpu / count,
    };
  });
}

interface Tally {
  rates: number[];
  times: number[];
  cpu: number;
  count: number;
}

async function round(
  { run, pid }: Case,
  callers: number,
  roundMs: number,
  tally: Tally,
  warmUp: boolean,
): Promise<void> {
  const cpuBefore = cpuMicroseconds(pid);
  const start = performance.now();
  const end = start + roundMs;
  let count = 0;
  const times: number[] = [];
  const caller = async (): Promise<void> => {
    for (let at = performance.now(); at < end;) {
      const pending = run();
      if (pending instanceof Promise) await pending;
      count++;
      const now = performance.now();
      times.push(now - at);
      at = now;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  if (warmUp) return;
  tally.rates.push(count / ((performance.now() - start) / 1000));
  for (const time of times) tally.times.push(time);
  tally.cpu += cpuMicroseconds(pid) - cpuBefore;
  tally.count += count;
}

/** Of another process as Linux tells it, in hundredths of a second; elsewhere not a number. */
function cpuMicroseconds(pid: number | undefined): number {
  if (pid === undefined) {
    const { user, system } = process.cpuUsage();
    return user + system;
  }
  if (process.platform !== 'linux') return Number.NaN;
  // What comes after the name of the program, which may hold spaces (proc(5)).
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

export const quantile = (sorted: number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
export const median = (values: number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

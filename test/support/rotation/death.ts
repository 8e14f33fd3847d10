import type { DataSource } from 'typeorm';
import { interceptWrites } from './statements.js';

/** Ends this process, as `kill -9` does, when the write with this number is about to be sent to the database. */
export function dieAtWrite(dataSource: DataSource, number: number): void {
  let count = 0;
  const before = (): void => {
    if (count++ === number) process.kill(process.pid, 'SIGKILL');
  };
  interceptWrites(dataSource, before, () => undefined);
}

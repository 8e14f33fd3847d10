import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestingModule } from '@nestjs/testing';
import { KeyService, TokenMaintenance, TokenService } from '@tokenward/nestjs';
import type { ServerAddress } from '../test/support/servers/server.js';
import { startApp } from './keys-app.js';
import { median, quantile } from './measure.js';

export interface ReaderOrders {
  address: ServerAddress;
  keyring: string;
  rows: number;
  rounds: number;
  turnMs: number;
}

export interface Turn {
  p50: number;
  p99: number;
  /** Resident, at most. */
  megabytes: number;
}

export interface ReaderResult {
  idle: Turn;
  busy: Turn;
  moved: number;
}

const READS_PER_SECOND = 300;
const SETTLE_MS = 2_000;

/** Readers at a fixed rate, in turns without and with re-encryption at full speed in the same process. */
async function measure({ address, keyring, rows, rounds, turnMs }: ReaderOrders): Promise<ReaderResult> {
  const app = await startApp(address, 'readers', keyring);
  await readers(app, rows, SETTLE_MS);
  const idle: Turn[] = [];
  const busy: Turn[] = [];
  let moved = 0;
  for (let round = 0; round < rounds; round++) {
    idle.push(await readers(app, rows, turnMs));
    const end = new AbortController();
    const job = (async () => {
      while (!end.signal.aborted) {
        await app.get(KeyService).rotate();
        moved += await app.get(TokenMaintenance).reencrypt({ signal: end.signal });
      }
    })();
    busy.push(await readers(app, rows, turnMs));
    end.abort();
    await job;
    // What was left under way, so that the next turn is idle.
    await app.get(TokenMaintenance).reencrypt();
  }
  await app.close();
  return { idle: summary(idle), busy: summary(busy), moved };
}

function summary(turns: Turn[]): Turn {
  return {
    p50: median(turns.map(({ p50 }) => p50)),
    p99: median(turns.map(({ p99 }) => p99)),
    megabytes: Math.max(...turns.map(({ megabytes }) => megabytes)),
  };
}

/** A read counts from the moment at which it was due, whatever has kept the process from sending it then. */
async function readers(app: TestingModule, users: number, durationMs: number): Promise<Turn> {
  const tokens = app.get(TokenService);
  const times: number[] = [];
  const underWay: Promise<void>[] = [];
  const begun = performance.now();
  let resident = 0;
  const read = async (due: number): Promise<void> => {
    await tokens.getAccessToken({ userId: `user-${Math.floor(Math.random() * users)}`, provider: 'acme' });
    times.push(performance.now() - due);
  };
  for (let sent = 0; ;) {
    const elapsed = performance.now() - begun;
    if (elapsed >= durationMs) break;
    for (; (sent * 1000) / READS_PER_SECOND <= elapsed; sent++)
      underWay.push(read(begun + (sent * 1000) / READS_PER_SECOND));
    resident = Math.max(resident, process.memoryUsage.rss());
    await pause(1);
  }
  await Promise.all(underWay);
  const sorted = times.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), megabytes: resident / 2 ** 20 };
}

process.once('message', (orders: ReaderOrders) => {
  void measure(orders).then((result) => process.send!(result, () => process.disconnect()));
});

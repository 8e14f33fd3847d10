import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { importTokens } from '@tokenward/nestjs/import';
import type { DataSourceOptions } from 'typeorm';
import { LegacyTable } from './legacy-table.js';

/** An import that says so and then stands still once it has stored `stopAt` rows, so that it can be killed in the middle. */
export interface ImportOrders {
  options: DataSourceOptions;
  keyring: string;
  stopAt: number;
  batchSize: number;
  checkpoint?: string;
}

process.once('message', ({ options, keyring, stopAt, batchSize, checkpoint }: ImportOrders) => {
  const legacy = new LegacyTable(options, keyring);
  void importTokens(legacy.definition({ batchSize }), {
    ...(checkpoint === undefined ? {} : { checkpoint }),
    onProgress({ imported }) {
      if (imported < stopAt) return;
      // Past the event loop, which never turns again.
      writeSync(1, 'reached\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  });
});

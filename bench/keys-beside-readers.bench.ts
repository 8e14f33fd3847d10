import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServerAddress } from '../test/support/servers/server.js';
import { createDatabase, fill, freshKey, startApp } from './keys-app.js';
import type { KeyEffort } from './keys-effort.js';
import type { ReaderOrders, ReaderResult } from './keys-readers.process.js';

/** P14: what readers notice of re-encryption in their own process, which starts afresh so that its memory can be told. */
export async function besideReaders(
  address: ServerAddress,
  { rows, rounds, turnMs }: KeyEffort,
): Promise<object[]> {
  const keyring = `1:${freshKey()}`;
  await createDatabase(address, 'readers');
  const app = await startApp(address, 'readers', keyring);
  await fill(app, rows, () => 'default');
  await app.close();
  const { idle, busy, moved } = await run({ address, keyring, rows, rounds, turnMs });
  const milliseconds = (value: number): string => value.toFixed(1);
  const more = (text: string): string => (text.startsWith('-') ? text : `+${text}`);
  return [
    {
      id: 'P14',
      what: '300 readers/s beside re-encryption, p50/p99 (ms)',
      ours: `${milliseconds(busy.p50)}/${milliseconds(busy.p99)}`,
      against: `${milliseconds(idle.p50)}/${milliseconds(idle.p99)} (no job)`,
      ratio: `${more(milliseconds(busy.p99 - idle.p99))} ms`,
      target: '<= +10.0 ms',
    },
    {
      id: 'P14',
      what: `memory beside re-encryption of ${moved} rows, at most (MB)`,
      ours: Math.round(busy.megabytes),
      against: `${Math.round(idle.megabytes)} (no job)`,
      ratio: `${more(String(Math.round(busy.megabytes - idle.megabytes)))} MB`,
      target: '<= +64 MB',
    },
  ];
}

async function run(orders: ReaderOrders): Promise<ReaderResult> {
  const child = fork(fileURLToPath(new URL('keys-readers.process.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.send(orders);
  const message = once(child, 'message') as Promise<[ReaderResult]>;
  const ended = once(child, 'exit').then(() => {
    throw new Error('the process with the readers has ended, see its output');
  });
  ended.catch(() => undefined);
  const [result] = await Promise.race([message, ended]);
  return result;
}

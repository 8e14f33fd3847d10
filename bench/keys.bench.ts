import { startServer } from '../test/support/servers/start.js';
import type { KeyEffort } from './keys-effort.js';
import { besideReaders } from './keys-beside-readers.bench.js';
import { kekRotation } from './keys-kek.bench.js';
import { reencryptionRates } from './keys-reencryption.bench.js';

/** What rotation costs, on PostgreSQL: rows per second, data keys per second, and what the readers notice. */
export async function keyFigures(effort: KeyEffort): Promise<object[]> {
  const server = await startServer('postgres');
  try {
    return [
      ...(await reencryptionRates(server.address, effort)),
      await kekRotation(server.address, effort),
      ...(await besideReaders(server.address, effort)),
    ];
  } finally {
    await server.stop();
  }
}

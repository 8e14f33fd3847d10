import { KeyService } from '@tokenward/nestjs';
import { DataSource } from 'typeorm';
import type { ServerAddress } from '../test/support/servers/server.js';
import { createDatabase, fill, freshKey, startApp } from './keys-app.js';
import type { KeyEffort } from './keys-effort.js';
import { median } from './measure.js';

/** P8: another key-encryption key for all tenants, and what it does to the rows of tokens: nothing. */
export async function kekRotation(address: ServerAddress, { tenants, rounds }: KeyEffort): Promise<object> {
  const [one, two] = [`1:${freshKey()}`, `2:${freshKey()}`];
  await createDatabase(address, 'kek');
  const apps = [
    await startApp(address, 'kek', `${one},${two}`),
    await startApp(address, 'kek', `${two},${one}`),
  ];
  const source = apps[0]!.get(DataSource);
  await fill(apps[0]!, tenants, (index) => `tenant-${index}`);
  const before = await fingerprint(source);
  const seconds: number[] = [];
  for (let round = 0; round < rounds * 2; round++) {
    const begun = performance.now();
    // The one that prefers the other key-encryption key; in the end all data keys are under the first one again.
    const { rewrapped } = await apps[(round + 1) % 2]!.get(KeyService).rotateKek();
    seconds.push((performance.now() - begun) / 1000);
    if (rewrapped !== tenants) throw new Error(`${rewrapped} of ${tenants} data keys were wrapped anew`);
  }
  const untouched = (await fingerprint(source)) === before;
  for (const app of apps) await app.close();
  return {
    id: 'P8',
    what: `${tenants} data keys under another KEK (seconds)`,
    ours: median(seconds).toFixed(2),
    against: untouched ? 'token rows untouched' : 'TOKEN ROWS CHANGED',
    target: '<= 1.00',
  };
}

/** Changes with every write to a row, whatever it writes. */
async function fingerprint(source: DataSource): Promise<string> {
  const [row] = await source.query<{ print: string }[]>(
    `SELECT md5(string_agg(id || xmin::text || access_ct || refresh_ct || id_ct, ',' ORDER BY id)) AS print FROM tokenward_tokens`,
  );
  return row!.print;
}

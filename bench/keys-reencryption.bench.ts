import { createSecretKey } from 'node:crypto';
import { KeyService, TokenEntity, TokenMaintenance } from '@tokenward/nestjs';
import { Pool } from 'pg';
import { DataSource, MoreThan } from 'typeorm';
import { encodeContext } from '../libs/token/src/crypto/context.js';
import { type DataKey, openRecord, sealRecord } from '../libs/token/src/crypto/record.js';
import {
  keyIdText,
  recordFromText,
  recordToText,
  uuidToBytes,
} from '../libs/token/src/crypto/record-text.js';
import { unwrapKey } from '../libs/token/src/crypto/wrapped-key.js';
import type { ServerAddress } from '../test/support/servers/server.js';
import { createDatabase, fill, freshKey, startApp } from './keys-app.js';
import type { KeyEffort } from './keys-effort.js';
import { median } from './measure.js';

const PAGE = 2000;
const TENANT = 'default';
/** TypeORM is too slow to be given all rows. */
const SAVED_SHARE = 5;
/** Of the rate of the loop by hand. */
const SHARE = 0.8;
const CELLS = { access_ct: 'access_token', refresh_ct: 'refresh_token', id_ct: 'id_token' } as const;
type Cell = keyof typeof CELLS;
type Row = { id: string } & Record<Cell, string>;

interface Keys {
  old: DataKey;
  next: DataKey;
}

/** P7: the library's job against loops over the same table that do without verification, quarantine, claims and progress. */
export async function reencryptionRates(
  address: ServerAddress,
  { rows, rounds }: KeyEffort,
): Promise<object[]> {
  const kek = freshKey();
  await createDatabase(address, 'reencryption');
  const app = await startApp(address, 'reencryption', `1:${kek}`);
  const pool = new Pool({ ...address, user: address.username, database: 'reencryption', max: 3 });
  pool.on('error', () => undefined);
  const source = app.get(DataSource);
  await fill(app, rows, () => TENANT);
  const rates = { ours: [] as number[], byHand: [] as number[], save: [] as number[] };
  const timed = async (into: number[], move: (keys: Keys) => Promise<number>): Promise<void> => {
    const { rotated } = await app.get(KeyService).rotate();
    const keys = await rawKeys(source, kek, rotated[0]!);
    await source.query('VACUUM tokenward_tokens');
    const begun = performance.now();
    const moved = await move(keys);
    into.push(moved / ((performance.now() - begun) / 1000));
    // What a shorter case has left, and the proof that no case has spoilt a row.
    await app.get(TokenMaintenance).reencrypt();
    await assertMoved(source, keys.next, rows);
  };
  const ours = (): Promise<number> => app.get(TokenMaintenance).reencrypt();
  const warmUp: number[] = [];
  await timed(warmUp, ours);
  await timed(warmUp, (keys) => byHand(pool, keys));
  for (let round = 0; round < rounds; round++) {
    await timed(rates.ours, ours);
    await timed(rates.byHand, (keys) => byHand(pool, keys));
    await timed(rates.save, (keys) => bySave(source, keys, rows / SAVED_SHARE));
  }
  await pool.end();
  await app.close();
  const [our, byHandRate, saved] = [median(rates.ours), median(rates.byHand), median(rates.save)];
  const figure = (against: string, rate: number, target: number) => ({
    id: 'P7',
    what: `re-encryption of ${rows} rows (rows/s)`,
    ours: Math.round(our),
    against: `${Math.round(rate)} (${against})`,
    ratio: (our / rate).toFixed(2),
    target: `>= ${target.toFixed(2)}`,
  });
  return [
    figure('loop by hand, not verified', byHandRate, SHARE),
    // Records cost every one of the three the same: how far save() can be left behind is what the loop by hand shows.
    figure('TypeORM save() of arrays', saved, SHARE * (byHandRate / saved)),
  ];
}

async function rawKeys(
  source: DataSource,
  kek: string,
  { from, to }: { from: string; to: string },
): Promise<Keys> {
  const raw = async (id: string): Promise<DataKey> => {
    const [row] = await source.query<{ wrapped: string }[]>(
      'SELECT wrapped FROM tokenward_data_keys WHERE id = $1',
      [id],
    );
    const kekId = Buffer.concat([Buffer.from('1'), Buffer.alloc(16)], 16);
    const bytes = unwrapKey(
      { id: kekId, key: createSecretKey(Buffer.from(kek, 'base64')) },
      encodeContext(['dek', id, TENANT, 'token']),
      Buffer.from(row!.wrapped, 'base64url'),
    );
    return { id: uuidToBytes(id), key: createSecretKey(bytes!) };
  };
  return { old: await raw(from), next: await raw(to) };
}

function reseal(row: Row, cell: Cell, { old, next }: Keys): string {
  const context = encodeContext(['token', TENANT, row.id, CELLS[cell]]);
  return recordToText(sealRecord(next, context, openRecord(old, context, recordFromText(row[cell]))));
}

/** The best that anybody would write: keyset pages, the next one on its way, one UPDATE per page. */
async function byHand(pool: Pool, keys: Keys): Promise<number> {
  const page = async (after: string): Promise<Row[]> => {
    const text = `SELECT id, access_ct, refresh_ct, id_ct FROM tokenward_tokens WHERE key_id = $1 AND id > $2 ORDER BY id LIMIT ${PAGE}`;
    return (await pool.query<Row>(text, [keyIdText(keys.old.id), after])).rows;
  };
  let moved = 0;
  let next = page('');
  for (;;) {
    const rows = await next;
    if (rows.length === 0) return moved;
    next = page(rows.at(-1)!.id);
    const columns = (Object.keys(CELLS) as Cell[]).map((cell) => rows.map((row) => reseal(row, cell, keys)));
    const { rowCount } = await pool.query(
      `UPDATE tokenward_tokens AS t SET access_ct = v.a, refresh_ct = v.r, id_ct = v.i
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS v(id, a, r, i) WHERE t.id = v.id`,
      [rows.map(({ id }) => id), ...columns],
    );
    moved += rowCount ?? 0;
  }
}

/** What a team that knows its ORM writes first. */
async function bySave(source: DataSource, keys: Keys, limit: number): Promise<number> {
  const table = source.getRepository(TokenEntity);
  let moved = 0;
  for (let after = ''; moved < limit;) {
    const entities = await table.find({
      where: { keyId: keyIdText(keys.old.id), id: MoreThan(after) },
      order: { id: 'ASC' },
      take: Math.min(PAGE, limit - moved),
    });
    if (entities.length === 0) break;
    after = entities.at(-1)!.id;
    for (const entity of entities) {
      const { id, accessCt, refreshCt, idCt } = entity;
      const row = { id, access_ct: accessCt!, refresh_ct: refreshCt!, id_ct: idCt! };
      entity.accessCt = reseal(row, 'access_ct', keys);
      entity.refreshCt = reseal(row, 'refresh_ct', keys);
      entity.idCt = reseal(row, 'id_ct', keys);
    }
    await table.save(entities);
    moved += entities.length;
  }
  return moved;
}

async function assertMoved(source: DataSource, key: DataKey, rows: number): Promise<void> {
  const [row] = await source.query<{ count: string }[]>(
    'SELECT COUNT(*) AS count FROM tokenward_tokens WHERE key_id = $1',
    [keyIdText(key.id)],
  );
  if (Number(row!.count) !== rows) throw new Error(`${row!.count} of ${rows} rows are under the new key`);
}

import { type MigrationInterface, type QueryRunner, Table, TableIndex } from 'typeorm';
import { dialectOf } from '../dialect.js';
import { columnsOf, tablePath } from './columns.js';

const OLD_INDEX = new TableIndex({ name: 'ix_tokenward_tokens_key_id', columnNames: ['key_id'] });
/** Re-encryption walks the rows of a key in the order of their ids. */
const NEW_INDEX = new TableIndex({ name: 'ix_tokenward_tokens_key', columnNames: ['key_id', 'id'] });
const CHANGED_INDEX = new TableIndex({
  name: 'ix_tokenward_data_keys_changed',
  columnNames: ['state_changed_at'],
});

const NEW_COLUMNS = [
  ['tokenward_data_keys', 'destroy_after', 'bigint'],
  ['tokenward_data_keys', 'moved_rows', 'integer'],
  ['tokenward_data_keys', 'moving_since', 'bigint'],
  ['tokenward_data_keys', 'moved_at', 'bigint'],
  ['tokenward_tokens', 'quarantined_as', 'varchar(32)'],
] as const;

/** What rotation needs: an audit trail, replicas, key-encryption keys with their canaries, progress, quarantine. */
export class AddKeyRotation1764100000000 implements MigrationInterface {
  readonly name = 'AddKeyRotation1764100000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const dialect = dialectOf(queryRunner.connection.options.type);
    const collation = dialect === 'mysql' ? ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : '';
    // Plain statements: TypeORM would copy the whole table on SQLite.
    for (const [table, column, type] of NEW_COLUMNS)
      await queryRunner.query(
        `ALTER TABLE ${escaped(queryRunner, table)} ADD COLUMN ${column} ${type}${type.startsWith('varchar') ? collation : ''} NULL`,
      );
    const tokens = tablePath(queryRunner, 'tokenward_tokens');
    await queryRunner.createIndex(tokens, NEW_INDEX);
    await queryRunner.dropIndex(tokens, OLD_INDEX);
    await queryRunner.createIndex(tablePath(queryRunner, 'tokenward_data_keys'), CHANGED_INDEX);
    for (const table of newTables(queryRunner)) await queryRunner.createTable(table);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of newTables(queryRunner)) await queryRunner.dropTable(table);
    const tokens = tablePath(queryRunner, 'tokenward_tokens');
    await queryRunner.dropIndex(tablePath(queryRunner, 'tokenward_data_keys'), CHANGED_INDEX);
    await queryRunner.createIndex(tokens, OLD_INDEX);
    await queryRunner.dropIndex(tokens, NEW_INDEX);
    for (const [table, column] of NEW_COLUMNS.toReversed())
      await queryRunner.query(`ALTER TABLE ${escaped(queryRunner, table)} DROP COLUMN ${column}`);
  }
}

function newTables(queryRunner: QueryRunner): Table[] {
  const { text, long, instant } = columnsOf(dialectOf(queryRunner.connection.options.type));
  const id = (table: string, length: number) => ({
    ...text('id', length),
    isPrimary: true,
    primaryKeyConstraintName: `pk_${table}`,
  });
  return [
    new Table({
      name: tablePath(queryRunner, 'tokenward_keks'),
      columns: [
        id('tokenward_keks', 64),
        text('canary_id', 36),
        long('wrapped', false),
        text('check_value', 64),
        instant('created_at'),
      ],
    }),
    new Table({
      name: tablePath(queryRunner, 'tokenward_key_audit'),
      columns: [
        id('tokenward_key_audit', 36),
        instant('at'),
        text('actor', 64),
        text('action', 32),
        text('key_id', 64, true),
        text('tenant_id', 255, true),
        text('from_state', 64, true),
        text('to_state', 64, true),
      ],
      indices: [new TableIndex({ name: 'ix_tokenward_key_audit_at', columnNames: ['at'] })],
    }),
    new Table({
      name: tablePath(queryRunner, 'tokenward_replicas'),
      columns: [
        id('tokenward_replicas', 36),
        instant('started_at'),
        instant('seen_at'),
        long('kek_ids', false),
      ],
    }),
  ];
}

function escaped(queryRunner: QueryRunner, name: string): string {
  return tablePath(queryRunner, name)
    .split('.')
    .map((part) => queryRunner.connection.driver.escape(part))
    .join('.');
}

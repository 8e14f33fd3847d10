import { type MigrationInterface, type QueryRunner, Table, TableIndex } from 'typeorm';
import { dialectOf } from '../dialect.js';
import { columnsOf, tablePath } from './columns.js';

const NAME = 'tokenward_sessions';

/** Creates `tokenward_sessions`, and lets stored token sets count how often they have ended. */
export class AddSessions1764700000000 implements MigrationInterface {
  readonly name = 'AddSessions1764700000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const dialect = dialectOf(queryRunner.connection.options.type);
    const { text, long, instant, integer } = columnsOf(dialect);
    const index = (name: string, ...columnNames: string[]): TableIndex =>
      new TableIndex({ name: `ix_${NAME}_${name}`, columnNames });
    await queryRunner.query(
      `ALTER TABLE ${tokensOf(queryRunner)} ADD COLUMN ends ${integer('').type} NOT NULL DEFAULT 0`,
    );
    await queryRunner.createTable(
      new Table({
        name: tablePath(queryRunner, NAME),
        columns: [
          { ...text('id', 36), isPrimary: true, primaryKeyConstraintName: `pk_${NAME}` },
          text('id_hash', 64),
          text('tenant_id', 255),
          text('user_id', 255),
          text('provider', 64, true),
          text('account', 255, true),
          text('subject', 255, true),
          text('sid', 255, true),
          long('attributes_ct'),
          long('host_ct'),
          text('user_agent', 200, true),
          text('token_id', 36, true),
          integer('token_ends', true),
          instant('created_at'),
          instant('last_seen_at'),
          instant('idle_expires_at'),
          instant('expires_at'),
          instant('ended_at', true),
          text('end_reason', 32, true),
        ],
        indices: [
          new TableIndex({ name: `uq_${NAME}_id_hash`, columnNames: ['id_hash'], isUnique: true }),
          index('owner', 'tenant_id', 'user_id'),
          index('login', 'provider', 'sid'),
          index('token', 'token_id'),
          index('ended', 'ended_at'),
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable(tablePath(queryRunner, NAME));
    await queryRunner.query(`ALTER TABLE ${tokensOf(queryRunner)} DROP COLUMN ends`);
  }
}

const tokensOf = (queryRunner: QueryRunner): string =>
  tablePath(queryRunner, 'tokenward_tokens')
    .split('.')
    .map((part) => queryRunner.connection.driver.escape(part))
    .join('.');

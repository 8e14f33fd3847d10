import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  TableCheck,
  TableForeignKey,
  TableIndex,
} from 'typeorm';
import { KEY_ID_LENGTH } from '../../crypto/record-text.js';
import { dialectOf } from '../dialect.js';
import { KEY_ID_EXPRESSION, ONE_KEY_CHECK } from '../entities/token.entity.js';
import { columnsOf, tablePath } from './columns.js';

function tablePaths(queryRunner: QueryRunner): { tokens: string; dataKeys: string } {
  return {
    tokens: tablePath(queryRunner, 'tokenward_tokens'),
    dataKeys: tablePath(queryRunner, 'tokenward_data_keys'),
  };
}

/** Creates `tokenward_data_keys` and `tokenward_tokens`. */
export class CreateTokenwardTables1764000000000 implements MigrationInterface {
  readonly name = 'CreateTokenwardTables1764000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const dialect = dialectOf(queryRunner.connection.options.type);
    const { text, long, instant, integer } = columnsOf(dialect);
    const { tokens, dataKeys } = tablePaths(queryRunner);
    const unique = (name: string, column: string): TableIndex =>
      new TableIndex({ name, columnNames: [column], isUnique: true });
    const index = (name: string, ...columnNames: string[]): TableIndex =>
      new TableIndex({ name, columnNames });

    await queryRunner.createTable(
      new Table({
        name: dataKeys,
        columns: [
          { ...text('id', 36), isPrimary: true, primaryKeyConstraintName: 'pk_tokenward_data_keys' },
          text('usable_id', 22, true),
          text('active_for', 64, true),
          text('tenant_id', 255),
          text('purpose', 32),
          text('state', 16),
          text('kek_id', 64),
          long('wrapped'),
          text('check_value', 64),
          instant('created_at'),
          instant('state_changed_at'),
        ],
        indices: [
          unique('uq_tokenward_data_keys_usable_id', 'usable_id'),
          unique('uq_tokenward_data_keys_active_for', 'active_for'),
        ],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: tokens,
        columns: [
          { ...text('id', 36), isPrimary: true, primaryKeyConstraintName: 'pk_tokenward_tokens' },
          text('lookup', 64),
          text('tenant_id', 255),
          text('user_id', 255),
          text('provider', 64),
          text('account', 255),
          text('status', 32),
          integer('generation'),
          text('token_type', 32),
          long('scope'),
          long('access_ct'),
          long('refresh_ct'),
          long('id_ct'),
          {
            ...text('key_id', KEY_ID_LENGTH, true),
            asExpression: KEY_ID_EXPRESSION,
            generatedType: 'STORED',
          },
          integer('lifetime_seconds', true),
          instant('expires_at', true),
          instant('refresh_after', true),
          instant('refreshed_at'),
          instant('created_at'),
          instant('updated_at'),
          text('claim_id', 36, true),
          instant('claimed_at', true),
          instant('unknown_since', true),
          instant('retry_after', true),
          integer('failures'),
          text('last_failure', 64, true),
        ],
        indices: [
          unique('uq_tokenward_tokens_lookup', 'lookup'),
          index('ix_tokenward_tokens_key_id', 'key_id'),
          index('ix_tokenward_tokens_owner', 'tenant_id', 'user_id'),
          index('ix_tokenward_tokens_due', 'status', 'refresh_after'),
          index('ix_tokenward_tokens_dead', 'status', 'updated_at'),
        ],
        checks: [new TableCheck(ONE_KEY_CHECK)],
        foreignKeys: [
          new TableForeignKey({
            name: 'fk_tokenward_tokens_key_id',
            columnNames: ['key_id'],
            referencedTableName: dataKeys,
            referencedColumnNames: ['usable_id'],
            onDelete: 'NO ACTION',
            onUpdate: 'NO ACTION',
          }),
        ],
      }),
    );
    // TypeORM leaves checks out on MySQL and MariaDB, which both enforce them.
    if (dialect === 'mysql') {
      await queryRunner.query(
        `ALTER TABLE ${queryRunner.connection.driver.escape(tokens)} ADD CONSTRAINT ${ONE_KEY_CHECK.name} CHECK (${ONE_KEY_CHECK.expression})`,
      );
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { tokens, dataKeys } = tablePaths(queryRunner);
    await queryRunner.dropTable(tokens);
    await queryRunner.dropTable(dataKeys);
  }
}

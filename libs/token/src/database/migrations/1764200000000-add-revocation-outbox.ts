import { type MigrationInterface, type QueryRunner, Table, TableForeignKey, TableIndex } from 'typeorm';
import { KEY_ID_LENGTH } from '../../crypto/record-text.js';
import { dialectOf } from '../dialect.js';
import { REVOCATION_KEY_ID_EXPRESSION } from '../entities/revocation.entity.js';
import { columnsOf, tablePath } from './columns.js';

const NAME = 'tokenward_revocations';

/** Creates `tokenward_revocations`, with the same fence around data keys as the tokens have. */
export class AddRevocationOutbox1764200000000 implements MigrationInterface {
  readonly name = 'AddRevocationOutbox1764200000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { text, long, instant, integer } = columnsOf(dialectOf(queryRunner.connection.options.type));
    const index = (name: string, column: string): TableIndex =>
      new TableIndex({ name: `ix_${NAME}_${name}`, columnNames: [column] });
    await queryRunner.createTable(
      new Table({
        name: tablePath(queryRunner, NAME),
        columns: [
          { ...text('id', 36), isPrimary: true, primaryKeyConstraintName: `pk_${NAME}` },
          text('tenant_id', 255),
          text('provider', 64),
          text('record_id', 36),
          long('token_ct', false),
          {
            ...text('key_id', KEY_ID_LENGTH, true),
            asExpression: REVOCATION_KEY_ID_EXPRESSION,
            generatedType: 'STORED',
          },
          instant('created_at'),
          instant('retry_after'),
          integer('attempts'),
          text('last_failure', 64, true),
        ],
        indices: [index('key_id', 'key_id'), index('due', 'retry_after'), index('created', 'created_at')],
        foreignKeys: [
          new TableForeignKey({
            name: `fk_${NAME}_key_id`,
            columnNames: ['key_id'],
            referencedTableName: tablePath(queryRunner, 'tokenward_data_keys'),
            referencedColumnNames: ['usable_id'],
            onDelete: 'NO ACTION',
            onUpdate: 'NO ACTION',
          }),
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable(tablePath(queryRunner, NAME));
  }
}

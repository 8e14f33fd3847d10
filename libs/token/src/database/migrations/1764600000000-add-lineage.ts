import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { dialectOf } from '../dialect.js';
import { columnsOf, tablePath } from './columns.js';

const NAME = 'tokenward_lineage';

/** Creates `tokenward_lineage`, without its row: the first replica writes down which database this is. */
export class AddLineage1764600000000 implements MigrationInterface {
  readonly name = 'AddLineage1764600000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { text, instant, integer } = columnsOf(dialectOf(queryRunner.connection.options.type));
    await queryRunner.createTable(
      new Table({
        name: tablePath(queryRunner, NAME),
        columns: [
          { ...integer('only_one'), isPrimary: true, primaryKeyConstraintName: `pk_${NAME}` },
          text('identity', 255),
          instant('held_before', true),
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable(tablePath(queryRunner, NAME));
  }
}

import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { dialectOf } from '../dialect.js';
import { columnsOf, tablePath } from './columns.js';

const NAME = 'tokenward_providers';

/** Creates `tokenward_providers`. */
export class AddProviderStates1764400000000 implements MigrationInterface {
  readonly name = 'AddProviderStates1764400000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { text, instant, integer } = columnsOf(dialectOf(queryRunner.connection.options.type));
    await queryRunner.createTable(
      new Table({
        name: tablePath(queryRunner, NAME),
        columns: [
          { ...text('name', 64), isPrimary: true, primaryKeyConstraintName: `pk_${NAME}` },
          integer('failed_rows'),
          text('failed_as', 64, true),
          instant('opened_at', true),
          instant('probe_after', true),
          text('probe_id', 36, true),
          integer('failed_probes'),
          instant('permits_until'),
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable(tablePath(queryRunner, NAME));
  }
}

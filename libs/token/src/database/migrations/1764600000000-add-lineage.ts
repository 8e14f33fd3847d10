import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { dialectOf } from '../dialect.js';
import { columnsOf, tablePath } from './columns.js';

const NAME = 'tokenward_lineage';

const isMariadb = async (queryRunner: QueryRunner): Promise<boolean> =>
  dialectOf(queryRunner.connection.options.type) === 'mysql' &&
  /mariadb/i.test(
    ((await queryRunner.query('SELECT VERSION() AS version')) as { version: string }[])[0]!.version,
  );

/** MariaDB notes by itself when the row was inserted; that it is changed later is no news. */
const versioned = (table: string): string => `CREATE TABLE ${table} (
  only_one int NOT NULL PRIMARY KEY,
  identity varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL WITHOUT SYSTEM VERSIONING,
  held_before bigint NULL WITHOUT SYSTEM VERSIONING
) WITH SYSTEM VERSIONING`;

/** Creates `tokenward_lineage`, without its row: the first replica writes down which database this is. */
export class AddLineage1764600000000 implements MigrationInterface {
  readonly name = 'AddLineage1764600000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    if (await isMariadb(queryRunner))
      return void (await queryRunner.query(versioned(tablePath(queryRunner, NAME))));
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

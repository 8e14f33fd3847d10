import { type MigrationInterface, type QueryRunner, Table, TableIndex } from 'typeorm';
import { dialectOf } from '../dialect.js';
import { columnsOf, tablePath } from './columns.js';

const AUTHORIZATIONS = 'tokenward_authorizations';
const LOGOUT_TOKENS = 'tokenward_logout_tokens';

/** Creates `tokenward_authorizations`, for log-ins under way, and `tokenward_logout_tokens`, against replayed ones. */
export class AddAuthorizations1764800000000 implements MigrationInterface {
  readonly name = 'AddAuthorizations1764800000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { text, long, instant } = columnsOf(dialectOf(queryRunner.connection.options.type));
    const id = (table: string) => ({
      ...text('id', 64),
      isPrimary: true,
      primaryKeyConstraintName: `pk_${table}`,
    });
    const index = (table: string, name: string, column: string): TableIndex =>
      new TableIndex({ name: `ix_${table}_${name}`, columnNames: [column] });
    await queryRunner.createTable(
      new Table({
        name: tablePath(queryRunner, AUTHORIZATIONS),
        columns: [
          id(AUTHORIZATIONS),
          text('browser_hash', 64),
          text('provider', 64),
          long('details_ct', false),
          instant('expires_at'),
        ],
        indices: [
          index(AUTHORIZATIONS, 'browser', 'browser_hash'),
          index(AUTHORIZATIONS, 'expires', 'expires_at'),
        ],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: tablePath(queryRunner, LOGOUT_TOKENS),
        columns: [id(LOGOUT_TOKENS), instant('expires_at')],
        indices: [index(LOGOUT_TOKENS, 'expires', 'expires_at')],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable(tablePath(queryRunner, LOGOUT_TOKENS));
    await queryRunner.dropTable(tablePath(queryRunner, AUTHORIZATIONS));
  }
}

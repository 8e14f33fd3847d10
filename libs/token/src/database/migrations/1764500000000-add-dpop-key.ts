import type { MigrationInterface, QueryRunner } from 'typeorm';
import { type Dialect, dialectOf } from '../dialect.js';
import { DPOP_KEY_CHECK } from '../entities/token.entity.js';
import { tablePath } from './columns.js';

const CONSTRAINT = (quote: string): string =>
  `CONSTRAINT ${quote}${DPOP_KEY_CHECK.name}${quote} CHECK (${DPOP_KEY_CHECK.expression})`;
const UP: Record<Dialect, string> = {
  postgres: `ADD COLUMN dpop_ct text NULL, ADD ${CONSTRAINT('"')}`,
  mysql: `ADD COLUMN dpop_ct text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL, ADD ${CONSTRAINT('`')}`,
  // One that belongs to a column is all that can be added later, and goes with it.
  sqlite: `ADD COLUMN dpop_ct text NULL ${CONSTRAINT('"')}`,
};

/** Room for the key that a row's tokens are bound to (DPoP). */
export class AddDpopKey1764500000000 implements MigrationInterface {
  readonly name = 'AddDpopKey1764500000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const dialect = dialectOf(queryRunner.connection.options.type);
    await queryRunner.query(`ALTER TABLE ${tokensOf(queryRunner)} ${UP[dialect]}`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const tokens = tokensOf(queryRunner);
    if (dialectOf(queryRunner.connection.options.type) !== 'sqlite')
      await queryRunner.query(`ALTER TABLE ${tokens} DROP CONSTRAINT ${DPOP_KEY_CHECK.name}`);
    await queryRunner.query(`ALTER TABLE ${tokens} DROP COLUMN dpop_ct`);
  }
}

const tokensOf = (queryRunner: QueryRunner): string =>
  tablePath(queryRunner, 'tokenward_tokens')
    .split('.')
    .map((part) => queryRunner.connection.driver.escape(part))
    .join('.');

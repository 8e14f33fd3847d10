import type { MigrationInterface, QueryRunner } from 'typeorm';
import { dialectOf } from '../dialect.js';
import { tablePath } from './columns.js';

/** Lets a claim name the replica session that it rests on. */
export class AddClaimReplica1764300000000 implements MigrationInterface {
  readonly name = 'AddClaimReplica1764300000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const collation =
      dialectOf(queryRunner.connection.options.type) === 'mysql'
        ? ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'
        : '';
    // A plain statement: TypeORM would copy the whole table on SQLite.
    await queryRunner.query(
      `ALTER TABLE ${tokens(queryRunner)} ADD COLUMN claim_replica varchar(96)${collation} NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE ${tokens(queryRunner)} DROP COLUMN claim_replica`);
  }
}

const tokens = (queryRunner: QueryRunner): string =>
  tablePath(queryRunner, 'tokenward_tokens')
    .split('.')
    .map((part) => queryRunner.connection.driver.escape(part))
    .join('.');

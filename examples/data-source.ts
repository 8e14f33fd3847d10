import 'reflect-metadata';
import { tokenEntities, tokenMigrations } from '@tokenward/nestjs';
import { DataSource } from 'typeorm';

/** For the TypeORM command line, which takes one DataSource as default export. */
export default new DataSource({
  type: 'postgres',
  url: process.env['DATABASE_URL'] ?? '',
  entities: [...tokenEntities],
  migrations: [...tokenMigrations],
});

import 'reflect-metadata';
import { tokenEntities, tokenMigrations } from '@tokenward/nestjs';
import { DataSource } from 'typeorm';
import { readDatabase } from './src/config/database-environment.js';

/** The one DataSource of the TypeORM CLI: `npm run typeorm -- migration:run`, `migration:revert`, `migration:show`. */
export default new DataSource({
  ...readDatabase(),
  entities: [...tokenEntities],
  migrations: [...tokenMigrations],
});

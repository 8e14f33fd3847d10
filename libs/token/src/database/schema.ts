import { CreateTokenwardTables1764000000000 } from './migrations/1764000000000-create-tokenward-tables.js';
import { DataKeyEntity } from './entities/data-key.entity.js';
import { TokenEntity } from './entities/token.entity.js';

/** Put these into your DataSource: `entities: [...tokenEntities, …]`. */
export const tokenEntities = [TokenEntity, DataKeyEntity] as const;

/** Put these into your DataSource: `migrations: [...tokenMigrations, …]`. They run forward and back on every supported database. */
export const tokenMigrations = [CreateTokenwardTables1764000000000] as const;

import 'reflect-metadata';
import { join } from 'node:path';
import { tokenEntities } from '@tokenward/nestjs';
import { DataSource } from 'typeorm';
import { readDatabase } from './src/config/database-environment.js';

const {
  TOKEN_KEYRING: text,
  TOKEN_KEYRING_FILE: file,
  DATA_DIRECTORY: directory = 'data',
} = process.env as Record<string, string | undefined>;

/** The reference app's database and keyring, for `npm run tokenward -- keys status`. It makes no keyring where there is none. */
export default {
  dataSource: new DataSource({ ...readDatabase(), entities: [...tokenEntities] }),
  encryption: { keyring: text || { file: file || join(directory || 'data', 'keyring') } },
};

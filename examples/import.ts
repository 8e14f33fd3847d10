import 'reflect-metadata';
import { tokenEntities } from '@tokenward/nestjs';
import { defineImport, tutorialTokenManager } from '@tokenward/nestjs/import';
import { DataSource } from 'typeorm';

const database = new DataSource({
  type: 'postgres',
  url: process.env['DATABASE_URL'] ?? '',
  entities: [...tokenEntities],
});

/** For `tokenward import`: rows of a tutorial's TokenManager, `{ encrypted, iv, authTag }` as JSON. */
export default defineImport({
  source: database,
  target: database,
  encryption: { keyring: process.env['TOKEN_KEYRING'] ?? '' },
  table: 'oauth_tokens',
  keyColumn: 'id',
  cipher: tutorialTokenManager({ password: process.env['TOKEN_PASSWORD'] ?? '' }),
  map: (row, open) => ({
    ref: { userId: String(row['user_id']), provider: 'github' },
    accessToken: open(row['access_token']),
    refreshToken: open(row['refresh_token']),
    expiresAt: row['expires_at'] as Date | null,
  }),
});

import 'reflect-metadata';
import { tokenEntities } from '@tokenward/nestjs';
import { betterAuth, defineImport } from '@tokenward/nestjs/import';
import { DataSource } from 'typeorm';

const database = new DataSource({
  type: 'postgres',
  url: process.env['DATABASE_URL'] ?? '',
  entities: [...tokenEntities],
});

/** better-auth's `account` table; users with a password have a row there, too. */
export default defineImport({
  source: database,
  target: database,
  encryption: { keyring: process.env['TOKEN_KEYRING'] ?? '' },
  table: 'account',
  keyColumn: 'id',
  cipher: betterAuth({ secret: process.env['BETTER_AUTH_SECRET'] ?? '', acceptPlainText: true }),
  map: (row, open) =>
    row['providerId'] === 'credential'
      ? null
      : {
          ref: {
            userId: String(row['userId']),
            provider: String(row['providerId']),
            account: String(row['accountId']),
          },
          accessToken: open(row['accessToken']),
          refreshToken: open(row['refreshToken']),
          // better-auth does not seal ID tokens.
          idToken: row['idToken'] as string | null,
          expiresAt: row['accessTokenExpiresAt'] as Date | null,
          scope: (row['scope'] as string | null)?.replaceAll(',', ' ') ?? null,
        },
});

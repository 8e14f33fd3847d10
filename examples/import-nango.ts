import 'reflect-metadata';
import { tokenEntities } from '@tokenward/nestjs';
import { defineImport, nango, type OpenStored, type SourceRow } from '@tokenward/nestjs/import';
import { DataSource } from 'typeorm';

const target = new DataSource({
  type: 'postgres',
  url: process.env['DATABASE_URL'] ?? '',
  entities: [...tokenEntities],
});

interface Credentials {
  type: string;
  access_token: string;
  refresh_token?: string;
  expires_at?: string;
}

/** What opens is the JSON text of all credentials of a connection. */
function credentialsOf(row: SourceRow, open: OpenStored): Credentials {
  const { encrypted_credentials: encrypted } = row['credentials'] as { encrypted_credentials: string };
  const text = open({ encrypted, iv: row['credentials_iv'], authTag: row['credentials_tag'] });
  return JSON.parse(text ?? '{}') as Credentials;
}

export default defineImport({
  source: new DataSource({ type: 'postgres', url: process.env['NANGO_DATABASE_URL'] ?? '' }),
  target,
  encryption: { keyring: process.env['TOKEN_KEYRING'] ?? '' },
  table: 'nango._nango_connections',
  keyColumn: 'id',
  cipher: nango({ key: process.env['NANGO_ENCRYPTION_KEY'] ?? '' }),
  map: (row, open) => {
    if (row['deleted'] === true) return null;
    const credentials = credentialsOf(row, open);
    if (credentials.type !== 'OAUTH2') return null;
    return {
      ref: { userId: String(row['connection_id']), provider: String(row['provider_config_key']) },
      accessToken: credentials.access_token,
      refreshToken: credentials.refresh_token ?? null,
      expiresAt: credentials.expires_at ? new Date(credentials.expires_at) : null,
    };
  },
});

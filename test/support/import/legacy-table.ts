import { tokenEntities, tokenMigrations } from '@tokenward/nestjs';
import {
  defineImport,
  type ImportDefinition,
  type LegacyCipher,
  tutorialTokenManager,
} from '@tokenward/nestjs/import';
import { DataSource, type DataSourceOptions, type Logger } from 'typeorm';
import { PROVIDER } from '../app.js';
import { tutorialTriple } from './tutorial.js';

export const PASSWORD = 'correct horse battery staple';
export const TABLE = 'oauth_tokens';

export interface LegacyRow {
  userId: string;
  accessToken: string | null;
  refreshToken?: string | null;
  expiresAt?: Date | null;
}

/** Keeps what is asked of the database, in order. */
export function recorder(statements: string[]): Logger {
  const nothing = (): void => undefined;
  return {
    logQuery: (text) => statements.push(text),
    logQueryError: nothing,
    logQuerySlow: nothing,
    logSchemaBuild: nothing,
    logMigration: nothing,
    log: nothing,
  };
}

/** A hand-written token store, as a tutorial has it: a table with a sealed token in each text column. */
export class LegacyTable {
  readonly statements: string[] = [];
  readonly source: DataSource;
  readonly target: DataSource;

  constructor(
    readonly options: DataSourceOptions,
    readonly keyring: string,
  ) {
    this.source = new DataSource({
      ...options,
      logging: ['query'],
      logger: recorder(this.statements),
    });
    this.target = new DataSource({
      ...options,
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
    });
  }

  /** Makes both worlds: an empty table of the user's, and Tokenward's tables. */
  async create(key = this.options.type === 'better-sqlite3' ? 'INTEGER PRIMARY KEY' : 'BIGINT PRIMARY KEY') {
    await this.source.initialize();
    await this.target.initialize();
    await this.target.runMigrations();
    const text = this.options.type === 'mariadb' ? 'MEDIUMTEXT' : 'TEXT';
    await this.source.query(
      `CREATE TABLE ${TABLE} (id ${key}, user_id VARCHAR(255), access_token ${text}, refresh_token ${text}, expires_at BIGINT)`,
    );
  }

  /** Seals and inserts rows with these keys. */
  async insert(rows: readonly (LegacyRow & { id: unknown })[]): Promise<void> {
    const seal = (text: string | null | undefined): string | null =>
      typeof text === 'string' ? JSON.stringify(tutorialTriple(PASSWORD, text)) : null;
    for (const { id, userId, accessToken, refreshToken, expiresAt } of rows)
      await this.insertSealed([
        id,
        userId,
        seal(accessToken),
        seal(refreshToken),
        expiresAt ? Math.floor(expiresAt.getTime() / 1000) : null,
      ]);
  }

  /** A row as it stands. */
  async insertSealed(values: unknown[]): Promise<void> {
    const marks = values.map((_, index) => (this.options.type === 'postgres' ? `$${index + 1}` : '?'));
    await this.source.query(`INSERT INTO ${TABLE} VALUES (${marks.join(', ')})`, values);
  }

  definition(more: Partial<ImportDefinition> = {}): ImportDefinition {
    return defineImport({
      source: this.source,
      target: this.target,
      encryption: { keyring: this.keyring },
      table: TABLE,
      keyColumn: 'id',
      cipher: tutorialTokenManager({ password: PASSWORD }),
      map: (row, open) => ({
        ref: { userId: row['user_id'] as string, provider: PROVIDER },
        accessToken: open(row['access_token']),
        refreshToken: open(row['refresh_token']),
        expiresAt: row['expires_at'] === null ? null : new Date(Number(row['expires_at']) * 1000),
      }),
      ...more,
    });
  }

  /** Every byte of the user's table. */
  async dump(): Promise<string> {
    return JSON.stringify(await this.source.query(`SELECT * FROM ${TABLE} ORDER BY id`));
  }

  /** Rows of Tokenward's tables. */
  async written(): Promise<{ tokens: number; dataKeys: number }> {
    const count = async (table: string): Promise<number> =>
      Number((await this.target.query(`SELECT COUNT(*) AS count FROM ${table}`))[0].count);
    return { tokens: await count('tokenward_tokens'), dataKeys: await count('tokenward_data_keys') };
  }

  async close(): Promise<void> {
    for (const dataSource of [this.source, this.target])
      if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** A cipher that counts what it opens. */
export function counting(cipher: LegacyCipher): LegacyCipher & { opened: number } {
  return {
    opened: 0,
    decrypt(stored) {
      this.opened++;
      return cipher.decrypt(stored);
    },
  };
}

import type { DataSource } from 'typeorm';
import { TokenConfigurationError } from '../common/errors.js';
import { dialectOf, type Dialect } from './dialect.js';
import { DataKeyEntity } from './entities/data-key.entity.js';
import { TokenEntity } from './entities/token.entity.js';
import { type Fragment, render, type Rendering, sql, type Statement } from './sql.js';

interface PgPool {
  query(statement: Statement & { name?: string }): Promise<{ rows: Record<string, unknown>[] }>;
}

/** The host's DataSource, as the statements of this folder see it. */
export class Database {
  readonly dialect: Dialect;
  private readonly dataSource: DataSource;
  readonly #rendering: Rendering;
  #prepares = true;

  /** @throws TokenConfigurationError when the DataSource lacks the entities, is of an unsupported type, or would rewrite a production schema */
  constructor(dataSource: DataSource | undefined, production: boolean) {
    if (!dataSource) {
      throw new TokenConfigurationError([
        'TokenModule needs a database: import `TypeOrmModule.forRoot()` (from @nestjs/typeorm) in the root module.',
      ]);
    }
    this.dataSource = dataSource;
    const problems: string[] = [];
    if (!dataSource.hasMetadata(TokenEntity) || !dataSource.hasMetadata(DataKeyEntity)) {
      problems.push(
        'The data source does not know the entities: add `entities: [...tokenEntities]` to TypeOrmModule.forRoot().',
      );
    }
    if (production && dataSource.options.synchronize) {
      problems.push(
        'The data source has `synchronize: true` in production, which may drop columns that hold tokens: set it to false and run the migrations.',
      );
    }
    if (problems.length > 0) throw new TokenConfigurationError(problems);
    this.dialect = dialectOf(dataSource.options.type);
    this.#rendering = {
      dialect: this.dialect,
      tokens: this.#table(TokenEntity),
      dataKeys: this.#table(DataKeyEntity),
    };
  }

  /** Rows of a SELECT, always from the primary. */
  async rows(fragment: Fragment): Promise<Record<string, unknown>[]> {
    const { text, values } = render(fragment, this.#rendering);
    return (await this.#query(text, values)).raw as Record<string, unknown>[];
  }

  /**
   * The same for the one statement that every request runs: on PostgreSQL prepared under `name` and straight from the
   * driver's pool, because what TypeORM does around a query costs as much as the query.
   */
  async hotRows(name: string, fragment: Fragment): Promise<Record<string, unknown>[]> {
    if (this.dialect !== 'postgres') return this.rows(fragment);
    const statement = render(fragment, this.#rendering);
    const prepared = this.#prepares;
    try {
      return (await this.#pool().query(prepared ? { name, ...statement } : statement)).rows;
    } catch (error) {
      // A connection pooler between us and the server may not carry prepared statements: do without from now on.
      if (!prepared || !has(error, '26000', '42P05')) throw error;
      this.#prepares = false;
      return (await this.#pool().query(statement)).rows;
    }
  }

  /** How many rows a conditional INSERT, UPDATE or DELETE has matched. */
  async affected(fragment: Fragment): Promise<number> {
    const { text, values } = render(fragment, this.#rendering);
    return (await this.#query(text, values)).affected ?? 0;
  }

  /** @throws TokenConfigurationError in one sentence when the migrations have not been run */
  async assertTables(): Promise<void> {
    try {
      await this.rows(sql`SELECT 1 FROM ${{ symbol: 'tokens' }}, ${{ symbol: 'dataKeys' }} WHERE 1 = 0`);
    } catch (error) {
      if (!isMissingTable(error)) throw error;
      throw new TokenConfigurationError(
        [
          `The database has no table ${this.#rendering.tokens}: add \`migrations: [...tokenMigrations]\` to the data source and run ` +
            '`npx typeorm migration:run -d <your data source>` (or set `migrationsRun: true`).',
        ],
        'TABLES_MISSING',
      );
    }
  }

  async #query(text: string, values: unknown[]): Promise<{ raw: unknown; affected?: number }> {
    const runner = this.dataSource.createQueryRunner('master');
    try {
      return await runner.query(text, values, true);
    } finally {
      await runner.release();
    }
  }

  #pool(): PgPool {
    return (this.dataSource.driver as unknown as { master: PgPool }).master;
  }

  #table(entity: Function): string {
    const { driver } = this.dataSource;
    return this.dataSource
      .getMetadata(entity)
      .tablePath.split('.')
      .map((part) => driver.escape(part))
      .join('.');
  }
}

function codesOf(error: unknown): unknown[] {
  const { code, errno, driverError } = error as {
    code?: unknown;
    errno?: unknown;
    driverError?: { code?: unknown; errno?: unknown; message?: string };
  };
  return [code, errno, driverError?.code, driverError?.errno];
}

const has = (error: unknown, ...codes: unknown[]): boolean =>
  codesOf(error).some((code) => codes.includes(code));

export const isUniqueViolation = (error: unknown): boolean =>
  has(error, '23505', 1062, 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY');

export const isForeignKeyViolation = (error: unknown): boolean =>
  has(error, '23503', 1452, 1216, 'SQLITE_CONSTRAINT_FOREIGNKEY');

function isMissingTable(error: unknown): boolean {
  return has(error, '42P01', 1146) || /no such table/i.test((error as Error).message);
}

import { setTimeout } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { TokenConfigurationError } from '../common/errors.js';
import { dialectOf, type Dialect } from './dialect.js';
import { AuthorizationEntity } from './entities/authorization.entity.js';
import { DataKeyEntity } from './entities/data-key.entity.js';
import { isDeadlock, isMissingTable } from './error-codes.js';
import { identityOf } from './identity.js';
import { KekEntity } from './entities/kek.entity.js';
import { KeyAuditEntity } from './entities/key-audit.entity.js';
import { LineageEntity } from './entities/lineage.entity.js';
import { LogoutTokenEntity } from './entities/logout-token.entity.js';
import { ProviderStateEntity } from './entities/provider-state.entity.js';
import { ReplicaEntity } from './entities/replica.entity.js';
import { RevocationEntity } from './entities/revocation.entity.js';
import { SessionEntity } from './entities/session.entity.js';
import { TokenEntity } from './entities/token.entity.js';
import { type PgPool, type PgResult, PreparedStatements } from './prepared-statements.js';
import { type Fragment, join, render, type Rendering, sql, type Statement, type TableName } from './sql.js';

const ATTEMPTS = 5;
const POLL_MS = 20;
const LONGEST_WAIT_MS = 5_000;

const ENTITIES: Record<TableName, Function> = {
  tokens: TokenEntity,
  dataKeys: DataKeyEntity,
  keks: KekEntity,
  keyAudit: KeyAuditEntity,
  replicas: ReplicaEntity,
  revocations: RevocationEntity,
  providers: ProviderStateEntity,
  lineage: LineageEntity,
  sessions: SessionEntity,
  authorizations: AuthorizationEntity,
  logoutTokens: LogoutTokenEntity,
};

/** The driver's own connection of better-sqlite3. */
interface SqliteConnection {
  readonly inTransaction: boolean;
  prepare(text: string): { run(...values: unknown[]): { changes: number } };
  transaction(work: () => void): () => void;
}

/** The host's DataSource, as the statements of this folder see it. */
export class Database {
  readonly dialect: Dialect;
  private readonly dataSource: DataSource;
  readonly #rendering: Rendering;
  readonly #statements = new PreparedStatements();
  #knowsIdentity = false;

  /** @throws TokenConfigurationError when the DataSource lacks the entities, is of an unsupported type, or would rewrite a production schema */
  constructor(dataSource: DataSource | undefined, production: boolean) {
    if (!dataSource) {
      throw new TokenConfigurationError([
        'TokenModule needs a database: import `TypeOrmModule.forRoot()` (from @nestjs/typeorm) in the root module.',
      ]);
    }
    this.dataSource = dataSource;
    const problems: string[] = [];
    if (Object.values(ENTITIES).some((entity) => !dataSource.hasMetadata(entity))) {
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
      tables: Object.fromEntries(
        Object.entries(ENTITIES).map(([name, entity]) => [name, this.#table(entity)]),
      ) as Record<TableName, string>,
      identity: 'NULL',
    };
  }

  /** The driver of the host's data source, for a connection that is none of its pool. */
  get driver(): unknown {
    return this.dataSource.driver;
  }

  /** Rows of a SELECT, always from the primary. */
  async rows(fragment: Fragment): Promise<Record<string, unknown>[]> {
    const { text, values } = render(fragment, this.#rendering);
    return (await this.#query(text, values)).raw as Record<string, unknown>[];
  }

  /**
   * The same for the few statements of which a request or a refresh consists: on PostgreSQL prepared and straight from the
   * driver's pool, because what TypeORM does around a query costs as much as the query.
   */
  async hotRows(fragment: Fragment): Promise<Record<string, unknown>[]> {
    return this.dialect === 'postgres' ? (await this.#prepared(fragment)).rows : this.rows(fragment);
  }

  /** How many rows a conditional INSERT, UPDATE or DELETE has matched. */
  async affected(fragment: Fragment): Promise<number> {
    const { text, values } = render(fragment, this.#rendering);
    return (await this.#query(text, values)).affected ?? 0;
  }

  /** The same as `hotRows` does it. */
  async hotAffected(fragment: Fragment): Promise<number> {
    return this.dialect === 'postgres'
      ? ((await this.#prepared(fragment)).rowCount ?? 0)
      : this.affected(fragment);
  }

  /** All of these INSERTs and UPDATEs, each of which must match a row; else none, and false. */
  async atomically(fragments: readonly Fragment[]): Promise<boolean> {
    const statements = fragments.map((fragment) => render(fragment, this.#rendering));
    for (let attempt = 1; ; attempt++) {
      try {
        return await (this.dialect === 'sqlite'
          ? this.#atSqlite(statements)
          : this.#inTransaction(statements));
      } catch (error) {
        if (attempt === ATTEMPTS || !isDeadlock(error)) throw error;
      }
    }
  }

  /** An INSERT that must not be part of a transaction that the host has open: on SQLite waits for its end. */
  async affectedAlone(fragment: Fragment): Promise<number> {
    if (this.dialect !== 'sqlite') return this.affected(fragment);
    const { text, values } = render(fragment, this.#rendering);
    return (await this.#idleSqlite()).prepare(text).run(...values).changes;
  }

  /** The one connection of SQLite, in no transaction of the host: what we write would go with it when it rolls back. */
  async #idleSqlite(): Promise<SqliteConnection> {
    const { databaseConnection } = this.dataSource.driver as unknown as {
      databaseConnection: SqliteConnection;
    };
    for (let waited = 0; databaseConnection.inTransaction; waited += POLL_MS) {
      if (waited >= LONGEST_WAIT_MS)
        throw new Error('a transaction of the application holds the only connection to SQLite for too long');
      await setTimeout(POLL_MS);
    }
    return databaseConnection;
  }

  async #inTransaction(statements: readonly Statement[]): Promise<boolean> {
    const runner = this.dataSource.createQueryRunner('master');
    try {
      await runner.startTransaction();
      for (const { text, values } of statements) {
        const { affected = 0 } = await runner.query(text, values, true);
        if (affected === 0) {
          await runner.rollbackTransaction();
          return false;
        }
      }
      await runner.commitTransaction();
      return true;
    } catch (error) {
      // A connection that is gone has rolled back by itself.
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }

  /** There is one connection for all: only without a turn of the event loop does nobody else's statement get between. */
  async #atSqlite(statements: readonly Statement[]): Promise<boolean> {
    const connection = await this.#idleSqlite();
    const work = connection.transaction(() => {
      for (const { text, values } of statements)
        if (connection.prepare(text).run(...values).changes === 0) throw new NothingMatched();
    });
    try {
      work();
      return true;
    } catch (error) {
      if (error instanceof NothingMatched) return false;
      throw error;
    }
  }

  /** Lets statements use the `identity` of the database. Null, or why it does not tell. */
  async learnIdentity(): Promise<string | null> {
    if (this.#knowsIdentity) return null;
    const { tableName, schema, database } = this.dataSource.getMetadata(LineageEntity);
    const escaped = this.#rendering.tables.lineage;
    const names = { escaped, name: tableName, schema: schema ?? database ?? null };
    const { text, blind } = await identityOf((select) => this.rows(select), this.dialect, names);
    this.#knowsIdentity = text !== null;
    this.#rendering.identity = text ?? 'NULL';
    return blind;
  }

  /** @throws TokenConfigurationError in one sentence when the migrations have not been run */
  async assertTables(): Promise<void> {
    const symbols = Object.keys(ENTITIES) as TableName[];
    try {
      await this.rows(join(symbols.map(nothingFrom), ' UNION ALL '));
    } catch (error) {
      if (!isMissingTable(error)) throw error;
      for (const symbol of symbols) await this.#assertTable(symbol);
    }
  }

  async #assertTable(symbol: TableName): Promise<void> {
    try {
      await this.rows(nothingFrom(symbol));
    } catch (error) {
      if (!isMissingTable(error)) throw error;
      throw new TokenConfigurationError(
        [
          `The database has no table ${this.#rendering.tables[symbol]}: add \`migrations: [...tokenMigrations]\` to the data source and run ` +
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

  #prepared(fragment: Fragment): Promise<PgResult> {
    const { master } = this.dataSource.driver as unknown as { master: PgPool };
    return this.#statements.query(master, render(fragment, this.#rendering));
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

const nothingFrom = (symbol: TableName): Fragment => sql`SELECT 1 FROM ${{ symbol }} WHERE 1 = 0`;

class NothingMatched extends Error {}

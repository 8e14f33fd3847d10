import { DataKeyEntity, TokenEntity } from '@tokenward/nestjs';
import type { Repository } from 'typeorm';
import { freshKeyring, PROVIDER, type Replica, startReplica } from './app.js';
import { CliDirectory, type Outcome } from './cli.js';
import { createDatabase, type TestDatabase } from './database.js';

/** Somebody with the command line, and a replica that serves users on the same database. */
export class Operator {
  readonly directory = new CliDirectory();
  #database: TestDatabase;
  replica: Replica;

  /** One user of each tenant has logged in. */
  static async start(kind: 'postgres' | 'sqlite', ...tenants: string[]): Promise<Operator> {
    const operator = new Operator();
    await operator.#start(kind, tenants);
    return operator;
  }

  async #start(kind: 'postgres' | 'sqlite', tenants: readonly string[]): Promise<void> {
    const keyring = freshKeyring('1');
    this.directory.write('keyring', keyring);
    this.#database = await createDatabase(kind);
    this.directory.configure(this.#database.options);
    this.replica = await startReplica(this.#database, {
      providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
      encryption: { keyring },
      refresh: { ahead: false },
      cleanup: false,
      revocation: false,
      rotation: false,
      cache: false,
    });
    for (const tenantId of tenants)
      await this.replica.tokens.storeTokens(
        { tenantId, userId: 'ada', provider: PROVIDER },
        { access_token: `access-of-${tenantId}` },
      );
  }

  keys(...args: string[]): Promise<Outcome> {
    return this.directory.run('keys', ...args);
  }

  get dataKeys(): Repository<DataKeyEntity> {
    return this.replica.dataSource.getRepository(DataKeyEntity);
  }

  get rows(): Repository<TokenEntity> {
    return this.replica.dataSource.getRepository(TokenEntity);
  }

  async stop(): Promise<void> {
    await this.replica.close();
    await this.#database.drop();
    this.directory.remove();
  }
}

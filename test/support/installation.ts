import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataKeyEntity, ReplicaEntity, type TokenModuleOptions } from '@tokenward/nestjs';
import { vi } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica } from './app.js';
import { CliDirectory } from './cli.js';
import { createDatabase, type TestDatabase } from './database.js';
import { answersIn, comparable, Ids, type ShownCommand } from './walk-through.js';

const users = { acme: 30, umbrella: 10 };

const options = (file: string): TokenModuleOptions => ({
  providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
  encryption: { keyring: { file } },
  refresh: { ahead: false },
  cleanup: false,
  // The document does by hand what the job would do.
  revocation: false,
  rotation: false,
  cache: false,
});

/** Two replicas with a keyring file each, and an operator with the configuration and a keyring file of their own. */
export class Installation {
  readonly directory = new CliDirectory();
  readonly #files: string[] = [];
  readonly #replicas: Replica[] = [];
  #database: TestDatabase;
  #exitCode = 0;
  readonly #ids = new Ids();

  async start(kind: 'postgres' | 'sqlite'): Promise<void> {
    this.#database = await createDatabase(kind);
    this.directory.write('keyring', freshKeyring('1'));
    this.directory.configure(this.#database.options);
    for (const name of ['keyring-of-replica-1', 'keyring-of-replica-2']) {
      const file = join(this.directory.path, name);
      copyFileSync(this.directory.keyring, file);
      this.#files.push(file);
      this.#replicas.push(await startReplica(this.#database, options(file)));
    }
    for (const [tenantId, number] of Object.entries(users))
      for (let user = 1; user <= number; user++)
        await this.#replicas[user % 2]!.tokens.storeTokens(
          { tenantId, userId: `user-${user}`, provider: PROVIDER },
          { access_token: `${tenantId}-${user}`, refresh_token: `refresh-${tenantId}-${user}` },
        );
  }

  /** What the document says in its comments. */
  readonly #steps: Record<string, () => Promise<void>> = {
    'every token can be read': () => this.onEachReplica('acme', 'umbrella'),
    'only the tokens of acme can be read': () =>
      // A replica hears of it within a second.
      vi.waitFor(() => this.onEachReplica('acme'), { timeout: 90_000, interval: 200 }),
    'the keyring reaches the first replica': () => this.deploy(0),
    'the keyring reaches the second replica': () => this.deploy(1),
    'the entries that have leaked are taken out of the keyring': async () => {
      const text = readFileSync(this.directory.keyring, 'utf8');
      writeFileSync(this.directory.keyring, text.replaceAll(/^[12]:.*\n/gm, ''));
    },
    'the time for which backups are kept passes': async () => {
      const [{ dataSource }] = this.#replicas as [Replica];
      const past = { destroyAfter: Date.now() - 1_000 };
      await dataSource.getRepository(DataKeyEntity).update({ state: 'retired' }, past);
    },
  };

  /** Does, or makes sure of, what the document says in a comment. */
  async step(text: string): Promise<void> {
    const step = this.#steps[text];
    if (!step) throw new Error(`the document names the step "${text}", which nothing here understands`);
    await step();
  }

  /** What the command has shown, and what it should have, as far as the two can be compared. */
  async run({ line, shown }: ShownCommand): Promise<{ shows: string; documented: string }> {
    const [program, ...args] = this.#ids.fill(line).split(' ');
    if (line === 'echo $?') return { shows: String(this.#exitCode), documented: shown };
    if (program !== 'tokenward')
      throw new Error(`the document runs "${line}", which nothing here understands`);
    const { code, stdout } = await this.directory.runInTerminal(args, answersIn(this.#ids.fill(shown)));
    this.#exitCode = code;
    this.#ids.learn(shown, stdout);
    return { shows: comparable(stdout), documented: comparable(this.#ids.fill(shown)) };
  }

  async stop(): Promise<void> {
    for (const replica of this.#replicas) await replica.close();
    await this.#database.drop();
    this.directory.remove();
  }

  /** Every token of these tenants is what was stored, and no token of another one can be had. */
  private async onEachReplica(...readable: string[]): Promise<void> {
    for (const { tokens } of this.#replicas)
      for (const [tenantId, number] of Object.entries(users))
        for (let user = 1; user <= number; user++) {
          const ref = { tenantId, userId: `user-${user}`, provider: PROVIDER };
          const expected = readable.includes(tenantId) ? `${tenantId}-${user}` : null;
          const found = await tokens.getAccessToken(ref).then(
            ({ value }) => value,
            () => null,
          );
          if (found !== expected)
            throw new Error(`${tenantId}-${user} is ${expected ? 'lost' : 'still there'}`);
        }
  }

  private async deploy(index: number): Promise<void> {
    copyFileSync(this.directory.keyring, this.#files[index]!);
    const ids = readFileSync(this.directory.keyring, 'utf8').match(/^[^:#\n]+(?=:)/gm)!;
    const rows = this.#replicas[0]!.dataSource.getRepository(ReplicaEntity);
    await vi.waitFor(
      async () => {
        const replicas = await rows.find({ order: { startedAt: 'ASC' } });
        const held = replicas[index]!.kekIds.split('\n').map((proof) => proof.split(' ')[0]);
        // Entries that were taken out stay in memory, behind the others.
        if (held.slice(0, ids.length).join() !== ids.join())
          throw new Error('the replica has not read its file');
      },
      { timeout: 90_000, interval: 200 },
    );
  }
}

import { TokenEntity, type ProviderOptions, type TokenModuleOptions, type TokenRef } from '@tokenward/nestjs';
import {
  ageTokens,
  type AuthorizationServer,
  type AuthorizationServerOptions,
  hashOf,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import type { DataSourceOptions } from 'typeorm';
import { freshKeyring, PROVIDER } from '../../support/app.js';
import { Observer } from '../../support/rotation/observer.js';
import { Cluster } from './cluster.js';
import { type Crew, RemoteError } from './crew.js';
import { Front } from './front.js';
import { Ledger } from './ledger.js';
import { chunks, inParallel, times } from './measure.js';
import type { Orders } from './replica.process.js';
import { pause, until } from './wait.js';

export interface SceneOptions {
  server?: Partial<AuthorizationServerOptions>;
  /** On top of what the server suggests. */
  provider?: Partial<ProviderOptions>;
  /** Names under which the provider is configured. */
  names?: string[];
  /** Whether a `Front` stands between. */
  front?: boolean;
  /** Default: 4; 2 in the short form, where a scenario is about no more. */
  replicas?: number;
  options?: Partial<TokenModuleOptions>;
  orders?: (slot: number) => Partial<Orders>;
}

/** Log-ins at a time, and rows in one message. */
const AT_ONCE = 100;
const RETRY_MS = 50;
const PATIENCE_MS = 120_000;

/** A provider, a database and four replicas. */
export class Scene {
  private users = 0;
  readonly #grants = new Map<string, string>();
  readonly #users = new Map<string, string>();

  private constructor(
    readonly server: AuthorizationServer,
    readonly ledger: Ledger,
    readonly front: Front,
    readonly observer: Observer,
    readonly cluster: Cluster,
    /** What replicas that begin from now on know of their provider: it may be changed. */
    readonly provider: ProviderOptions,
    private readonly names: readonly string[],
  ) {}

  static async set(
    crew: Crew,
    database: DataSourceOptions,
    {
      server: serverOptions,
      provider,
      names = [PROVIDER],
      front: between,
      replicas = 4,
      options,
      orders,
    }: SceneOptions,
    defer: (work: () => Promise<unknown>) => void,
  ): Promise<Scene> {
    const server = await startAuthorizationServer({ mode: 'strict', ...serverOptions });
    defer(() => server.stop());
    const ledger = new Ledger(server.oracle);
    const front = await Front.of(server.issuer);
    defer(() => front.close());
    const observer = await Observer.of(database);
    defer(() => observer.close());
    const { tokenEndpoint, revocationEndpoint } = front;
    const configured = {
      ...server.provider,
      ...(between && { tokenEndpoint, revocationEndpoint }),
      ...provider,
    };
    const module: TokenModuleOptions = {
      providers: Object.fromEntries(names.map((name) => [name, configured])),
      encryption: { keyring: freshKeyring() },
      refresh: { ahead: false, ...options?.refresh },
      cleanup: false,
      revocation: false,
      rotation: false,
      cache: false,
      ...options,
    };
    const cluster = new Cluster(crew, replicas, (slot) => ({ database, options: module, ...orders?.(slot) }));
    // Registered first, so that replicas which did begin end although another one could not.
    defer(() => cluster.end());
    await cluster.fill();
    return new Scene(server, ledger, front, observer, cluster, configured, names);
  }

  /** New users log in, through all replicas. */
  async login(count: number, scope = 'offline_access api'): Promise<TokenRef[]> {
    const first = this.users;
    this.users += count;
    const refs = times(count, (index) => ({
      userId: `user-${first + index}`,
      provider: this.names[index % this.names.length]!,
    }));
    await inParallel(chunks(refs, AT_ONCE), this.cluster.size, async (some) => {
      const logins = await Promise.all(
        some.map(async (ref) => ({ ref, tokens: { ...(await this.server.mint(ref.userId, { scope })) } })),
      );
      for (const { ref, tokens } of logins) this.#note(ref.userId, tokens.refresh_token);
      await this.cluster.any().call('store', logins);
    });
    return refs;
  }

  /** As if so much time had gone by at the database. Claims grow old as well. */
  age(seconds: number): Promise<void> {
    return ageTokens(this.observer.dataSource, seconds);
  }

  /** As if every back-off were over, or that of one user: two statements for all, at the same time, might stand in each other's way. */
  async endBackoff(userId?: string): Promise<void> {
    const rows = this.observer.dataSource.createQueryBuilder().update(TokenEntity).set({ retryAfter: null });
    await (userId === undefined ? rows : rows.where({ userId })).execute();
  }

  async statuses(): Promise<Map<string, string>> {
    const rows = await this.observer.dataSource.query<{ user_id: string; status: string }[]>(
      'SELECT user_id, status FROM tokenward_tokens',
    );
    return new Map(rows.map((row) => [row.user_id, row.status]));
  }

  /** Whose log-in has given this refresh token, at first or after any number of rotations. */
  userOf(refreshToken: string): string | undefined {
    return this.#users.get(this.ledger.grantOf(refreshToken) ?? '');
  }

  /** Resolves when no refresh is under way any more. */
  async atRest(): Promise<void> {
    const claimed = async (): Promise<number> =>
      (await this.observer.dataSource.query('SELECT id FROM tokenward_tokens WHERE claim_id IS NOT NULL'))
        .length;
    await until(async () => (await claimed()) === 0, 'no row is claimed');
  }

  /** The provider's id of the log-in that each row came from. */
  async grantsByRecord(): Promise<Map<string, string>> {
    const rows = await this.observer.dataSource.query<{ user_id: string; id: string }[]>(
      'SELECT user_id, id FROM tokenward_tokens',
    );
    return new Map(rows.map((row) => [row.id, this.#grants.get(row.user_id)!]));
  }

  /** The refresh tokens that are stored, by user; undefined where there is none, or none that opens. */
  async stored(refs: readonly TokenRef[]): Promise<Map<string, string | undefined>> {
    const found = new Map<string, string | undefined>();
    for (const some of chunks(refs, AT_ONCE)) {
      const opened = await this.cluster.replicas.at(-1)!.call('open', some);
      for (const [index, one] of opened.entries()) found.set(some[index]!.userId, one.refresh ?? undefined);
    }
    return found;
  }

  /** Users whose session has ended, or whose stored refresh token the provider does not take any more. */
  async lost(refs: readonly TokenRef[]): Promise<string[]> {
    const [statuses, stored] = [await this.statuses(), await this.stored(refs)];
    const alive = new Set(this.server.oracle.aliveRefreshTokens());
    return refs
      .map(({ userId }) => userId)
      .filter((userId) => statuses.get(userId) !== 'active' || !alive.has(stored.get(userId) ?? ''));
  }

  /** Refreshes every session until it is clear what has become of it; those that have ended. */
  async settle(refs: readonly TokenRef[]): Promise<string[]> {
    const endings: string[] = [];
    await inParallel(refs, 16, async (ref) => {
      if ((await this.refreshUntilClear(ref)).ended) endings.push(ref.userId);
    });
    return endings;
  }

  /** Refreshes a session until a call succeeds, or says that it has ended; how many have failed before. */
  async refreshUntilClear(ref: TokenRef): Promise<{ ended: boolean; failures: number }> {
    const deadline = performance.now() + PATIENCE_MS;
    for (let failures = 0; ; failures++) {
      const code = await this.cluster
        .any()
        .call('refresh', ref)
        .then(
          () => null,
          (error: Error) => (error instanceof RemoteError ? (error.code ?? error.message) : error.message),
        );
      if (code === null || code === 'REAUTHORIZATION_REQUIRED') return { ended: code !== null, failures };
      if (performance.now() > deadline) throw new Error(`${ref.userId} did not come to rest: ${code}`);
      await this.endBackoff(ref.userId);
      await pause(RETRY_MS);
    }
  }

  /** Rotations whose new refresh token was neither stored nor ever presented: nobody but the provider has it. */
  async cutOff(refs: readonly TokenRef[]): Promise<number> {
    const known = new Set(this.server.oracle.requests.map(({ refreshTokenHash }) => refreshTokenHash));
    for (const value of (await this.stored(refs)).values()) if (value !== undefined) known.add(hashOf(value));
    return this.ledger.rotations.filter(({ toHash }) => !known.has(toHash)).length;
  }

  #note(userId: string, refreshToken: string): void {
    const grantId = this.ledger.grantOf(refreshToken)!;
    this.#grants.set(userId, grantId);
    this.#users.set(grantId, userId);
  }
}

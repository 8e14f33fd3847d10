import type { DataSourceOptions } from 'typeorm';
import type { TestDatabase } from '../../support/database.js';
import type { ServerKind } from '../../support/servers/server.js';
import { startServer } from '../../support/servers/start.js';
import { createDatabaseAt } from './create-database.js';
import type { Crew } from './crew.js';
import { Link } from './link.js';
import { Scene, type SceneOptions } from './scene.js';

/** What one scenario is played on: whatever it has built is taken down behind it. */
export class Stage {
  readonly #cleanUps: (() => Promise<unknown>)[] = [];

  constructor(
    readonly kind: ServerKind,
    readonly long: boolean,
    readonly crew: Crew,
    private readonly createDatabase: () => Promise<TestDatabase>,
  ) {}

  readonly defer = (work: () => Promise<unknown>): void => {
    this.#cleanUps.push(work);
  };

  /** On an empty database. */
  async scene(options: SceneOptions = {}, pool: object = {}): Promise<Scene> {
    const database = await this.database();
    return this.set({ ...database, ...pool }, options);
  }

  /** The same, and the replicas get to their database over a link that can be cut. */
  async sceneBehindLink(options: SceneOptions = {}): Promise<{ scene: Scene; link: Link }> {
    const database = await this.database();
    const link = await Link.to(database as { host: string; port: number });
    this.defer(() => link.cut());
    const behind = { ...database, ...link.address } as DataSourceOptions;
    const orders = (): object => ({ database: behind });
    return { scene: await this.set(database, { ...options, orders }), link };
  }

  /** The same on a database server of its own, which can crash. */
  async sceneOnOwnServer(
    options: SceneOptions = {},
  ): Promise<{ scene: Scene; crash: () => Promise<void>; restart: () => Promise<void> }> {
    const server = await startServer(this.kind, { durable: true });
    this.defer(() => server.stop());
    const { options: database } = await createDatabaseAt(this.kind, server.address);
    const scene = await this.set(database, options);
    return { scene, crash: () => server.crash(), restart: () => server.restart() };
  }

  async clear(): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanUp of this.#cleanUps.splice(0).toReversed())
      await cleanUp().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  private set(database: DataSourceOptions, options: SceneOptions): Promise<Scene> {
    const replicas = this.long ? 4 : 2;
    return Scene.set(this.crew, database, { replicas, ...options }, this.defer);
  }

  private async database(): Promise<DataSourceOptions> {
    const { options, drop } = await this.createDatabase();
    this.defer(drop);
    return options;
  }
}

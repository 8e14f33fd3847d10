import Database from 'better-sqlite3';
import { startProvidedApp, type ProvidedApp } from '../provided-app.js';
import type { TestProvider } from '../provider.js';
import { freePort } from '../servers/free-port.js';
import { Front } from './front.js';
import type { Scheme } from './site.js';

export const ADMIN_PASSWORD = 'a password of the operator';

export interface StageOptions {
  scheme?: Scheme;
  accessTokenTtlSeconds?: number;
}

/** The reference app as browsers reach it, and all that stands around it: each notes what comes to it. */
export class Stage {
  private constructor(
    /** Where browsers find the app. */
    readonly url: string,
    readonly front: Front,
    /** Where it is found without a browser. */
    readonly behind: string,
    private readonly provided: ProvidedApp,
  ) {}

  static async start({ scheme = 'http', accessTokenTtlSeconds = 3600 }: StageOptions = {}): Promise<Stage> {
    const port = await freePort();
    const front = await Front.start(scheme, port);
    const url = `${scheme}://${scheme === 'http' ? 'localhost' : 'app.example.test'}:${front.port}`;
    const provided = await startProvidedApp(
      { accessTokenTtlSeconds, application: url },
      (entry) => {
        const { baseUrl } = entry['api'] as { baseUrl: string };
        return { test: { ...entry, api: { baseUrl, calls: ['GET /me', 'GET /time', 'POST /orders'] } } };
      },
      { PORT: String(port), PUBLIC_URL: url, TRUST_PROXY: 'loopback', ADMIN_PASSWORD },
    );
    return new Stage(url, front, `http://localhost:${port}`, provided);
  }

  get provider(): TestProvider {
    return this.provided.provider;
  }

  get app(): ProvidedApp['app'] {
    return this.provided.app;
  }

  /** All that a request could change: what the database holds, and what has come to the provider and to its API. */
  state(): unknown {
    const { provider } = this;
    const rows = this.rows(
      'SELECT id, id_hash, user_id, attributes_ct, ended_at FROM tokenward_sessions ORDER BY id',
      'SELECT id, user_id, status, generation, access_ct, refresh_ct FROM tokenward_tokens ORDER BY id',
      'SELECT id, browser_hash FROM tokenward_authorizations ORDER BY id',
      'SELECT id, state FROM tokenward_data_keys ORDER BY id',
    );
    return {
      rows,
      provider: provider.requests.map(({ method, url }) => `${method} ${url}`),
      api: provider.apiRequests.map(({ method, url }) => `${method} ${url}`),
    };
  }

  rows(...queries: string[]): unknown[][] {
    const database = new Database(this.app.database, { readonly: true });
    try {
      return queries.map((query) => database.prepare(query).all());
    } finally {
      database.close();
    }
  }

  async stop(): Promise<void> {
    await this.front.stop();
    await this.provided.stop();
  }
}

import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { StoredToken } from '@tokenward/nestjs';
import { startReplica, type Replica } from './app.js';
import type { ReferenceApp } from './reference-app.js';

const ref = { userId: 'local:ada', provider: 'local' };
const often = 100;

/**
 * Looks at the app's database from a process of its own, with the app's keyring: a replica that never refreshes. It
 * keeps every token value that was ever stored while it looked.
 */
export class Witness {
  readonly seen = new Set<string>();
  private closed = false;
  private watching = Promise.resolve();

  private constructor(private readonly replica: Replica) {}

  static async of(app: ReferenceApp): Promise<Witness> {
    const replica = await startReplica(
      { options: { type: 'better-sqlite3', database: app.database }, drop: async () => undefined },
      {
        providers: { local: { issuer: app.provider, clientId: 'nobody', allowInsecureRequests: true } },
        encryption: { keyring: { file: join(app.dataDirectory, 'keyring') } },
        refresh: { ahead: false },
        cleanup: false,
        revocation: false,
        rotation: false,
        cache: false,
      },
    );
    const witness = new Witness(replica);
    witness.watching = witness.watch();
    return witness;
  }

  /** The access token as it is stored now, with its end. */
  async accessToken(): Promise<{ value: string; expiresAt: Date | null } | null> {
    const tokens = await this.look();
    return tokens && { value: tokens.accessToken.value, expiresAt: tokens.expiresAt };
  }

  async stored(): Promise<StoredToken> {
    const [stored] = await this.replica.tokens.listTokens(ref);
    return stored!;
  }

  /** What the columns of secrets hold. */
  async columns(): Promise<unknown> {
    const [row] = await this.replica.dataSource.query<unknown[]>(
      'SELECT access_ct, refresh_ct, id_ct FROM tokenward_tokens',
    );
    return row;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.watching;
    await this.replica.close();
  }

  private async watch(): Promise<void> {
    while (!this.closed) {
      await this.look();
      await setTimeout(often);
    }
  }

  private async look() {
    const tokens = await this.replica.tokens.getTokens(ref);
    for (const secret of [tokens?.accessToken, tokens?.refreshToken, tokens?.idToken]) {
      if (secret) this.seen.add(secret.value);
    }
    return tokens;
  }
}

import type { Clock } from '../common/clock.js';
import { IssuedAccessToken } from '../common/tokens.js';
import type { DpopKey } from '../crypto/dpop-key.js';
import { lookupHash } from '../crypto/lookup-hash.js';
import { requestClientToken } from '../oauth/client-credentials-grant.js';
import type { Provider } from '../oauth/providers.js';
import type { RequestedToken, TokenTarget } from '../oauth/token-request.js';
import { assertGranted } from './granted-scope.js';
import type { Issued, TokenMemory, Wanted } from './token-memory.js';

/** Came from no stored row. */
const NO_GENERATION = 0;

/** Tokens of the application itself. */
export class ClientTokens {
  constructor(
    private readonly memory: TokenMemory,
    private readonly clock: Clock,
  ) {}

  /** @throws ProviderUnavailableError | TokenRequestRejectedError | ScopeNotGrantedError */
  async get(
    provider: Provider,
    tenantId: string,
    target: TokenTarget,
    freshness: Pick<Wanted, 'minTtlSeconds' | 'forceRefresh'>,
  ): Promise<IssuedAccessToken> {
    const key = lookupHash([
      this.memory.grant,
      provider.name,
      provider.options.clientId,
      tenantId,
      lookupHash(target.scopes),
      lookupHash(target.resources),
      lookupHash(target.audiences),
    ]);
    const { dpopKey } = provider;
    const token = await this.memory.get(
      { key, provider: provider.name, ...freshness },
      () => requestClientToken(provider, dpopKey, target),
      async (requested, leftMs) => this.issue(requested, leftMs, target, dpopKey),
    );
    return assertGranted(provider.name, token, target.scopes);
  }

  private issue(
    { accessToken, tokenType, scope }: RequestedToken,
    leftMs: number | null,
    target: TokenTarget,
    dpopKey: DpopKey | null,
  ): Issued {
    // No database is asked: this machine's clock tells the instant, and nothing is decided by it.
    const expiresAt = leftMs === null ? null : new Date(this.clock.machineTime() + leftMs);
    const fields = { expiresAt, tokenType, scope: scope ?? (target.scopes.join(' ') || null) };
    return { token: new IssuedAccessToken(accessToken, fields, NO_GENERATION, dpopKey?.text), leftMs };
  }
}

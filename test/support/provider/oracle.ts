import { createHash } from 'node:crypto';
import type { AccessToken, KoaContextWithOIDC, RefreshToken, default as Provider } from 'oidc-provider';

export interface TokenRequest {
  grantType: string;
  /** SHA-256 of the refresh token that was presented. */
  refreshTokenHash: string | null;
  /** `ok`, the OAuth error code, or the fault that kept the request from being processed. */
  outcome: string;
}

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** What the provider itself saw and did: the truth that a client's claims are held against. */
export class Oracle {
  readonly requests: TokenRequest[] = [];
  readonly revokedGrants: string[] = [];
  /** Every access and refresh token value that was ever issued, for a search of places where none may be. */
  readonly issued = new Set<string>();
  /** Refresh tokens that were presented again after they had been used up. */
  reuses = 0;
  private readonly used = new Set<string>();

  watch(provider: Provider, rotates: boolean): void {
    const remember = ({ jti }: AccessToken | RefreshToken): void => void this.issued.add(jti);
    provider.on('access_token.saved', remember);
    provider.on('refresh_token.saved', remember);
    provider.on('grant.revoked', (_ctx, grantId) => this.revokedGrants.push(grantId));
    provider.use((ctx: KoaContextWithOIDC, next) =>
      ctx.path === '/token' ? this.follow(ctx, next, rotates) : next(),
    );
  }

  /** Refreshes that succeeded. */
  get exchanges(): number {
    return this.requests.filter(({ grantType, outcome }) => grantType === 'refresh_token' && outcome === 'ok')
      .length;
  }

  /** Notes a request that never reached the provider proper. */
  note(form: URLSearchParams, outcome: string): TokenRequest {
    const refreshToken = form.get('refresh_token');
    const request = {
      grantType: form.get('grant_type') ?? '',
      refreshTokenHash: refreshToken === null ? null : hashOf(refreshToken),
      outcome,
    };
    this.requests.push(request);
    return request;
  }

  private async follow(ctx: KoaContextWithOIDC, next: () => Promise<void>, rotates: boolean): Promise<void> {
    await next();
    const params = Object.entries(ctx.oidc?.params ?? {}).filter(
      (entry): entry is [string, string] => !!entry[1],
    );
    const { error } = ctx.body as { error?: string };
    const { refreshTokenHash: hash, outcome } = this.note(new URLSearchParams(params), error ?? 'ok');
    if (hash === null || !rotates) return;
    if (this.used.has(hash)) this.reuses += 1;
    if (outcome === 'ok') this.used.add(hash);
  }
}

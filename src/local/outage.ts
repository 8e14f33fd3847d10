import type { KoaContextWithOIDC } from 'oidc-provider';

/** Lets one path of a provider fail for a while, as that of a broken one does. */
export class Outage {
  private endsAt = 0;

  constructor(private readonly path: string) {}

  last(seconds: number): void {
    this.endsAt = Date.now() + seconds * 1000;
  }

  /** In front of everything that answers. */
  readonly middleware = async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    if (ctx.path !== this.path || Date.now() >= this.endsAt) return next();
    ctx.status = 500;
    ctx.body = { error: 'server_error' };
  };
}

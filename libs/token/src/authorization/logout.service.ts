import { endSessionUrl } from '../oauth/end-session.js';
import type { Providers } from '../oauth/providers.js';
import type { Session } from '../session/session.types.js';
import type { TokenService } from '../token.service.js';
import type { PublicUrl } from './public-url.js';
import type { ResolvedAuthorizationOptions } from './resolve-options.js';

/** What is left to do for a session that was ended by its user. */
export class LogoutService {
  constructor(
    private readonly providers: Providers,
    private readonly tokens: TokenService,
    private readonly publicUrl: PublicUrl,
    private readonly options: ResolvedAuthorizationOptions,
  ) {}

  /** Revokes the tokens that the log-in has brought. Where the user can end the provider's session as well, or null. */
  async afterEnd({ userId, tenantId, login }: Session): Promise<string | null> {
    if (login === null) return null;
    const { provider: name, account } = login;
    await this.tokens.revokeTokens({ userId, tenantId, provider: name, account });
    const provider = this.providers.find(name);
    return provider ? endSessionUrl(provider, this.publicUrl.origin + this.options.afterLogout) : null;
  }
}

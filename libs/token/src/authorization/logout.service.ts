import { endSessionUrl } from '../oauth/end-session.js';
import type { Providers } from '../oauth/providers.js';
import { atMost } from '../refresh/at-most.js';
import type { Session } from '../session/session.types.js';
import type { TokenService } from '../token.service.js';
import type { PublicUrl } from './public-url.js';
import type { ResolvedAuthorizationOptions } from './resolve-options.js';

/** So long a page waits to hear where the provider's session ends, should the provider have to be asked for its metadata. */
const METADATA_MS = 3_000;

/** What a log-out is beyond the end of the session here. */
export class LogoutService {
  constructor(
    private readonly providers: Providers,
    private readonly tokens: TokenService,
    private readonly publicUrl: PublicUrl,
    private readonly options: ResolvedAuthorizationOptions,
  ) {}

  /** Revokes the tokens that the log-in has brought. */
  async revokeTokens({ userId, tenantId, login }: Session): Promise<void> {
    if (login === null) return;
    const { provider, account } = login;
    await this.tokens.revokeTokens({ userId, tenantId, provider, account });
  }

  /** Where the user can end the provider's session as well; null where there is no such place, or the provider does not name it in time. */
  async endSessionUrl({ login }: Session): Promise<string | null> {
    const provider = login && this.providers.find(login.provider);
    if (!provider) return null;
    const asked = endSessionUrl(provider, this.publicUrl.origin + this.options.afterLogout);
    return atMost(METADATA_MS, asked, null);
  }
}

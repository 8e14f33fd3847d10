import { Injectable } from '@nestjs/common';
import { buildEndSessionUrl } from 'openid-client';
import { PublicUrl } from '../web/public-url.js';
import { OidcClients } from './oidc-clients.js';

@Injectable()
export class LogoutService {
  constructor(
    private readonly clients: OidcClients,
    private readonly publicUrl: PublicUrl,
  ) {}

  /**
   * Where the user can end the provider's own session (OpenID Connect RP-Initiated Logout), or null. Without an ID
   * token as hint, which would be a secret in a URL, so the provider asks the user.
   */
  async endSessionUrl(provider: string): Promise<string | null> {
    try {
      const client = await this.clients.first(provider);
      if (!client.serverMetadata().end_session_endpoint) return null;
      return buildEndSessionUrl(client, { post_logout_redirect_uri: this.publicUrl.to('/') }).href;
    } catch {
      // The user is logged out here in any case, also while the provider cannot be reached.
      return null;
    }
  }
}

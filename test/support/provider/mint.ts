import type { Client, default as Provider } from 'oidc-provider';

export interface MintOptions {
  sub: string;
  scope?: string;
  /** Thumbprint of the key that the tokens are bound to (RFC 9449), the refresh token only of a public client. */
  jkt?: string;
}

/** An RFC 6749 §5.1 token response, as the wire would carry it. */
export interface MintedTokens {
  access_token: string;
  refresh_token: string;
  id_token: string;
  token_type: 'Bearer' | 'DPoP';
  expires_in: number;
  scope: string;
}

/** A real grant with its tokens, as if the user had logged in, made from the provider's own models without a browser. */
export async function mint(
  provider: Provider,
  clientId: string,
  options: MintOptions,
): Promise<MintedTokens> {
  const { sub, scope = 'openid offline_access api', jkt } = options;
  const client = (await provider.Client.find(clientId)) as Client;
  const grant = new provider.Grant({ accountId: sub, clientId });
  grant.addOIDCScope(scope);
  const granted = { accountId: sub, client, grantId: await grant.save(), gty: 'authorization_code', scope };
  const accessToken = new provider.AccessToken(granted);
  const refreshToken = new provider.RefreshToken({ ...granted, authTime: Math.floor(Date.now() / 1000) });
  if (jkt !== undefined) {
    accessToken.setThumbprint('jkt', jkt);
    if (client.clientAuthMethod === 'none') refreshToken.jkt = jkt;
  }
  const idToken = new provider.IdToken({ sub }, { client, ctx: undefined as never });
  Object.assign(idToken, { scope });
  return {
    access_token: await accessToken.save(),
    refresh_token: await refreshToken.save(),
    id_token: await idToken.issue({ use: 'idtoken' }),
    token_type: jkt === undefined ? 'Bearer' : 'DPoP',
    expires_in: accessToken.expiration,
    scope,
  };
}

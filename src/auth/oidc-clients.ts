import { Injectable } from '@nestjs/common';
import { type ProviderOptions, withProfile } from '@tokenward/nestjs';
import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  discovery,
  enableNonRepudiationChecks,
  None,
  type ClientAuth,
  type ServerMetadata,
} from 'openid-client';
import { ProviderDirectory } from '../providers/provider-directory.js';

function authentication(
  { clientAuthentication }: ProviderOptions,
  server: ServerMetadata,
  secret?: string,
): ClientAuth {
  if (secret === undefined) return None();
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const fallback = methods.includes('client_secret_basic') ? 'client_secret_basic' : 'client_secret_post';
  return (clientAuthentication ?? fallback) === 'client_secret_post'
    ? ClientSecretPost(secret)
    : ClientSecretBasic(secret);
}

async function serverOf(options: ProviderOptions): Promise<ServerMetadata> {
  const { issuer, clientId, authorizationEndpoint, tokenEndpoint, jwksUri, endSessionEndpoint } = options;
  const execute = options.allowInsecureRequests ? [allowInsecureRequests] : [];
  const found: ServerMetadata = issuer
    ? (await discovery(new URL(issuer), clientId, undefined, undefined, { execute })).serverMetadata()
    : { issuer: new URL(tokenEndpoint!).origin };
  return {
    ...found,
    ...(authorizationEndpoint && { authorization_endpoint: authorizationEndpoint }),
    ...(tokenEndpoint && { token_endpoint: tokenEndpoint }),
    ...(jwksUri && { jwks_uri: jwksUri }),
    ...(endSessionEndpoint && { end_session_endpoint: endSessionEndpoint }),
  };
}

/** This app as a client of each provider, for the steps that need a browser; the library does the others. */
@Injectable()
export class OidcClients {
  private readonly servers = new Map<string, ServerMetadata>();

  constructor(private readonly providers: ProviderDirectory) {}

  /** One client for each client secret, in the order in which they are to be tried. */
  async all(provider: string): Promise<Configuration[]> {
    const options = withProfile(this.providers.get(provider).options);
    const server = this.servers.get(provider) ?? (await serverOf(options));
    this.servers.set(provider, server);
    const secrets = options.clientSecret === undefined ? [undefined] : [options.clientSecret].flat();
    return secrets.map((secret) => {
      const client = new Configuration(
        server,
        options.clientId,
        undefined,
        authentication(options, server, secret),
      );
      if (options.allowInsecureRequests) allowInsecureRequests(client);
      if (server.jwks_uri) enableNonRepudiationChecks(client);
      return client;
    });
  }

  async first(provider: string): Promise<Configuration> {
    const [client] = await this.all(provider);
    return client!;
  }
}

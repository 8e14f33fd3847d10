import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  None,
  type ClientAuth,
  type CustomFetch,
  type ServerMetadata,
} from 'openid-client';
import { TokenInputError } from '../common/errors.js';
import type { ProviderOptions } from './provider.options.js';

const ENDPOINTS = {
  authorization_endpoint: 'authorizationEndpoint',
  token_endpoint: 'tokenEndpoint',
  revocation_endpoint: 'revocationEndpoint',
  introspection_endpoint: 'introspectionEndpoint',
  jwks_uri: 'jwksUri',
  end_session_endpoint: 'endSessionEndpoint',
} as const;

/** One configured provider. */
export class Provider {
  #metadata: Promise<ServerMetadata> | undefined;

  constructor(
    readonly name: string,
    readonly options: ProviderOptions,
    readonly timeoutSeconds: number,
  ) {}

  get clientSecrets(): (string | undefined)[] {
    return this.options.clientSecret === undefined ? [undefined] : [this.options.clientSecret].flat();
  }

  /** What is known of the server; discovered once, asked again after a failure. */
  async metadata(): Promise<ServerMetadata> {
    this.#metadata ??= this.#discover();
    try {
      return await this.#metadata;
    } catch (error) {
      this.#metadata = undefined;
      throw error;
    }
  }

  /** A client of this provider that authenticates with `clientSecret` and sends every request through `fetch`. */
  async client(clientSecret: string | undefined, fetch: CustomFetch): Promise<Configuration> {
    const metadata = await this.metadata();
    const client = new Configuration(
      metadata,
      this.options.clientId,
      undefined,
      this.#authentication(metadata, clientSecret),
    );
    if (this.options.allowInsecureRequests) allowInsecureRequests(client);
    client[customFetch] = fetch;
    client.timeout = this.timeoutSeconds;
    return client;
  }

  #authentication(metadata: ServerMetadata, secret: string | undefined): ClientAuth {
    if (secret === undefined) return None();
    const supported = metadata.token_endpoint_auth_methods_supported;
    const fallback =
      supported?.includes('client_secret_post') && !supported.includes('client_secret_basic')
        ? 'client_secret_post'
        : 'client_secret_basic';
    return (this.options.clientAuthentication ?? fallback) === 'client_secret_post'
      ? ClientSecretPost(secret)
      : ClientSecretBasic(secret);
  }

  async #discover(): Promise<ServerMetadata> {
    const { issuer, tokenEndpoint } = this.options;
    const configured = Object.entries(ENDPOINTS).flatMap(([name, option]) =>
      this.options[option] ? [[name, this.options[option]]] : [],
    );
    // Without an issuer there is no ID token to validate; the client library still wants a name for the server.
    const discovered: ServerMetadata = issuer
      ? (await this.#discovery(issuer)).serverMetadata()
      : { issuer: new URL(tokenEndpoint!).origin };
    return { ...discovered, ...Object.fromEntries(configured) };
  }

  #discovery(issuer: string): Promise<Configuration> {
    return discovery(new URL(issuer), this.options.clientId, undefined, undefined, {
      timeout: this.timeoutSeconds,
      execute: this.options.allowInsecureRequests ? [allowInsecureRequests] : [],
    });
  }
}

/** The configured providers by name. */
export class Providers {
  readonly #byName: Map<string, Provider>;

  constructor(options: Record<string, ProviderOptions>, timeoutSeconds: number) {
    this.#byName = new Map(
      Object.entries(options).map(([name, provider]) => [name, new Provider(name, provider, timeoutSeconds)]),
    );
  }

  get names(): string[] {
    return [...this.#byName.keys()];
  }

  /** Undefined for a provider that is not configured (any more). */
  find(name: string): Provider | undefined {
    return this.#byName.get(name);
  }

  /** @throws TokenInputError naming the configured providers */
  get(name: string): Provider {
    const provider = this.#byName.get(name);
    if (!provider) {
      throw new TokenInputError(
        'provider',
        `"${name.slice(0, 64)}" is not configured; known: ${this.names.join(', ')}`,
        'PROVIDER_UNKNOWN',
      );
    }
    return provider;
  }
}

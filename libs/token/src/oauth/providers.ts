import {
  allowInsecureRequests,
  Configuration,
  customFetch,
  discovery,
  type CustomFetch,
  type ServerMetadata,
} from 'openid-client';
import { TokenInputError } from '../common/errors.js';
import { authentication, type ClientCredential, ClientCredentials } from './client-authentication.js';
import type { ProviderOptions } from './provider.options.js';
import type { ProviderProfile } from './provider.profile.js';
import { standardShape } from './token-answer.js';
import { profileOf, withProfile } from './with-profile.js';

export type { ClientCredential } from './client-authentication.js';

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
  /** What the profile knows is filled in. */
  readonly options: ProviderOptions;
  /** How this provider's answers differ from the standard; empty without a profile. */
  readonly profile: Partial<ProviderProfile>;
  readonly #credentials: ClientCredentials;
  #metadata: Promise<ServerMetadata> | undefined;

  constructor(
    readonly name: string,
    options: ProviderOptions,
    readonly timeoutSeconds: number,
  ) {
    this.options = withProfile(options);
    this.profile = profileOf(options) ?? {};
    this.#credentials = new ClientCredentials(this.options);
  }

  /** Secrets or keys in the order in which they are to be tried; a public client has one that is undefined. */
  get credentials(): ClientCredential[] {
    return this.#credentials.inOrder();
  }

  /** Notes that the provider has accepted a credential, so that others are not tried before it. */
  accepted(credential: ClientCredential): void {
    this.#credentials.accepted(credential);
  }

  /** A token response of this provider, with what is peculiar to it put in order. */
  standardShape<T>(response: T): T {
    return standardShape(response, this.profile);
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

  /** A client of this provider that authenticates with `credential` and sends every request through `fetch`. */
  async client(credential: ClientCredential, fetch: CustomFetch): Promise<Configuration> {
    const metadata = await this.metadata();
    const client = new Configuration(
      metadata,
      this.options.clientId,
      undefined,
      await authentication(credential, this.options, metadata),
    );
    if (this.options.allowInsecureRequests) allowInsecureRequests(client);
    client[customFetch] = fetch;
    client.timeout = this.timeoutSeconds;
    return client;
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

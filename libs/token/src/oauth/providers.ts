import {
  allowInsecureRequests,
  Configuration,
  customFetch,
  discovery,
  type CustomFetch,
  type ServerMetadata,
} from 'openid-client';
import { type Clock, SystemClock } from '../common/clock.js';
import { TokenInputError } from '../common/errors.js';
import { DpopKey } from '../crypto/dpop-key.js';
import { authentication, type ClientCredential, ClientCredentials } from './client-authentication.js';
import { DpopProofs } from './dpop-proofs.js';
import { KeysUnavailableError, ProviderKeys } from './provider-keys.js';
import type { ProviderOptions } from './provider.options.js';
import type { ProviderProfile } from './provider.profile.js';
import { standardShape } from './token-answer.js';
import { TokenRequestProof } from './token-request-proof.js';
import { profileOf, withProfile } from './with-profile.js';

export type { ClientCredential } from './client-authentication.js';

const ENDPOINTS = {
  authorization_endpoint: 'authorizationEndpoint',
  pushed_authorization_request_endpoint: 'pushedAuthorizationEndpoint',
  token_endpoint: 'tokenEndpoint',
  revocation_endpoint: 'revocationEndpoint',
  introspection_endpoint: 'introspectionEndpoint',
  jwks_uri: 'jwksUri',
  end_session_endpoint: 'endSessionEndpoint',
} as const;

/** A failed discovery is believed for so long: whoever has just waited for it in vain does not wait a second time. */
const DISCOVERY_PAUSE_MS = 500;

/** One configured provider. */
export class Provider {
  /** What the profile knows is filled in. */
  readonly options: ProviderOptions;
  /** How this provider's answers differ from the standard; empty without a profile. */
  readonly profile: Partial<ProviderProfile>;
  readonly #credentials: ClientCredentials;
  #metadata: Promise<ServerMetadata> | undefined;
  #dpopKey: DpopKey | undefined;
  #keys: ProviderKeys | undefined;

  constructor(
    readonly name: string,
    options: ProviderOptions,
    readonly timeoutSeconds: number,
    private readonly proofs: DpopProofs = new DpopProofs(new SystemClock()),
  ) {
    this.options = withProfile(options);
    this.profile = profileOf(options) ?? {};
    this.#credentials = new ClientCredentials(this.options);
  }

  /** Whether this client proves itself with nothing, so that its refresh tokens are bound to the key of their log-in (RFC 9449 §5). */
  get isPublic(): boolean {
    return this.options.clientSecret === undefined && this.options.clientKey === undefined;
  }

  /** Who this client says that it is. */
  get identity(): { client_id: string } {
    return { client_id: this.options.clientId };
  }

  /** What tokens that this process asks for are bound to: one key for as long as it lives. Null without `dpop`. */
  get dpopKey(): DpopKey | null {
    if (!this.options.dpop) return null;
    return (this.#dpopKey ??= DpopKey.generate());
  }

  /** For one call to the token endpoint. */
  proofOf(key: DpopKey | null): TokenRequestProof | null {
    return key && new TokenRequestProof(this.proofs, key);
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

  /** What is known of the server; discovered once, asked again a moment after a failure. */
  async metadata(): Promise<ServerMetadata> {
    return (this.#metadata ??= this.#discoverAnew());
  }

  /** What this provider signs with; null where nobody has told where its keys are. @throws KeysUnavailableError */
  async keys(): Promise<ProviderKeys | null> {
    if (this.#keys) return this.#keys;
    const { jwks_uri: uri } = await this.metadata().catch((cause: unknown) => {
      throw new KeysUnavailableError('discovery failed', { cause });
    });
    if (!uri) return null;
    return (this.#keys ??= new ProviderKeys(
      uri,
      this.timeoutSeconds,
      this.options.allowInsecureRequests ?? false,
    ));
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

  #discoverAnew(): Promise<ServerMetadata> {
    const metadata = this.#discover();
    metadata.catch(() => {
      setTimeout(() => (this.#metadata = undefined), DISCOVERY_PAUSE_MS).unref();
    });
    return metadata;
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
  /** Of all of them: what tells one nonce from another is the server that wants it. */
  readonly proofs: DpopProofs;
  readonly #byName: Map<string, Provider>;

  constructor(
    options: Record<string, ProviderOptions>,
    timeoutSeconds: number,
    clock: Clock = new SystemClock(),
  ) {
    this.proofs = new DpopProofs(clock);
    this.#byName = new Map(
      Object.entries(options).map(([name, provider]) => [
        name,
        new Provider(name, provider, timeoutSeconds, this.proofs),
      ]),
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

import {
  ClientSecretBasic,
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
  type ClientAuth,
  type ServerMetadata,
} from 'openid-client';
import { SigningKey } from '../crypto/signing-key.js';
import { readClientKeys } from './client-key.js';
import type { ProviderOptions } from './provider.options.js';

/** What a client proves itself with: a secret, a key, or nothing. */
export type ClientCredential = string | SigningKey | undefined;

/** The configured secrets or keys in the order in which they are tried; one that was accepted goes first from then on. */
export class ClientCredentials {
  readonly #all: readonly ClientCredential[];
  #accepted: ClientCredential;

  constructor({ clientSecret, clientKey, clientKeyAlgorithm }: ProviderOptions) {
    // A fault has ended the start-up.
    if (clientKey !== undefined)
      this.#all = readClientKeys(clientKey, clientKeyAlgorithm).filter((key) => key instanceof SigningKey);
    else this.#all = clientSecret === undefined ? [undefined] : [clientSecret].flat();
  }

  inOrder(): ClientCredential[] {
    return this.#all.toSorted((a, b) => Number(b === this.#accepted) - Number(a === this.#accepted));
  }

  accepted(credential: ClientCredential): void {
    this.#accepted = credential;
  }
}

/** How a client shows its credential. */
export async function authentication(
  credential: ClientCredential,
  { clientAuthentication, issuer }: ProviderOptions,
  server: ServerMetadata,
): Promise<ClientAuth> {
  if (credential === undefined) return None();
  if (credential instanceof SigningKey) return assertion(credential, issuer === undefined, server);
  const supported = server.token_endpoint_auth_methods_supported;
  const fallback =
    supported?.includes('client_secret_post') && !supported.includes('client_secret_basic')
      ? 'client_secret_post'
      : 'client_secret_basic';
  return (clientAuthentication ?? fallback) === 'client_secret_post'
    ? ClientSecretPost(credential)
    : ClientSecretBasic(credential);
}

/** RFC 7523 §3: the audience is the issuer or, where none is known, the token endpoint. */
async function assertion(key: SigningKey, nameless: boolean, server: ServerMetadata): Promise<ClientAuth> {
  return PrivateKeyJwt(
    { key: await key.cryptoKey(), ...(key.keyId !== undefined && { kid: key.keyId }) },
    {
      [modifyAssertion]: (header, payload) => {
        header['alg'] = key.algorithm;
        if (nameless && server.token_endpoint) payload['aud'] = server.token_endpoint;
      },
    },
  );
}

import { z } from 'zod';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../crypto/signing-key.js';
import { type ClientKey, readClientKeys } from './client-key.js';
import { MAX_LIFETIME_SECONDS } from './lifetime.js';
import { type ProviderProfileName, providerProfiles } from './provider-profiles.js';
import {
  idleExpirySeconds,
  type ProviderProfile,
  providerProfileSchema,
  refreshesPerSecond,
} from './provider.profile.js';
import { profileOf, withProfile } from './with-profile.js';

/** An OAuth 2.0 authorization server or OpenID provider, and this application's registration there. */
export interface ProviderOptions {
  /** What is known of this provider: a name from `providerProfiles`, or a profile of your own. Options given here win over it. */
  profile?: ProviderProfileName | ProviderProfile;
  /** Issuer identifier: endpoints come from its discovery document (OpenID Connect Discovery 1.0). */
  issuer?: string;
  authorizationEndpoint?: string;
  /** Where authorization requests are pushed to (RFC 9126). */
  pushedAuthorizationEndpoint?: string;
  /** Where tokens are refreshed (RFC 6749 §3.2). Needed where there is no `issuer`; wins over discovery. */
  tokenEndpoint?: string;
  /** Where tokens are revoked (RFC 7009). Without one a log-out is local only. */
  revocationEndpoint?: string;
  introspectionEndpoint?: string;
  jwksUri?: string;
  endSessionEndpoint?: string;
  clientId: string;
  /** Several are tried in order, so that a secret can be exchanged without downtime. Leave out for a public client. */
  clientSecret?: string | string[];
  /**
   * Default: `private_key_jwt` with a key, `client_secret_basic` with a secret (`client_secret_post` where the profile says
   * so, or discovery lists only that), `none` without either.
   */
  clientAuthentication?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';
  /** Private key for `private_key_jwt` (RFC 7523). Several are tried in order, so that a key can be exchanged without downtime. */
  clientKey?: ClientKey | ClientKey[];
  /** What `clientKey` signs with. Default: the JWK's `alg`, else `RS256` for RSA, the one that fits for other keys (`EdDSA` for Ed25519). */
  clientKeyAlgorithm?: SigningAlgorithm;
  /** Scope that log-in asks for, separated by spaces; taken as granted where a token response names none (RFC 6749 §5.1). */
  scope?: string;
  /** Pushes authorization requests to the provider before the browser goes there (RFC 9126). Default: where its metadata demands it. */
  pushedAuthorization?: boolean;
  /** Signs authorization requests with `clientKey` (JAR, RFC 9101). Default: where the provider's metadata demands it. */
  signedRequests?: boolean;
  /** More parameters of authorization requests, such as `{ access_type: 'offline' }`. */
  authorizationParameters?: Record<string, string>;
  /** The only origins (`https://api.example.com`) that ever receive this provider's access tokens. Default: none. */
  apiOrigins?: string[];
  /** Lifetime in seconds of access tokens whose response tells none. Default: null, no expiry until the API answers 401. */
  defaultLifetimeSeconds?: number | null;
  /**
   * What to do when nobody knows whether the provider has consumed a refresh token (reply lost, replica died):
   * `replay` it or ask the user to log in again. Default: `replay` within `reuseGraceSeconds`
   * and where that is not given, `reauthorize` after it.
   */
  onUnknownOutcome?: 'replay' | 'reauthorize';
  /** How long the provider accepts a consumed refresh token once more. 0: it revokes the grant on reuse. Default: unknown. */
  reuseGraceSeconds?: number;
  /**
   * A refresh token that has not been used for so long is dead, and each use begins that time anew: the job uses it before.
   * From 60. Default: null, no such limit is known.
   */
  idleExpirySeconds?: number | null;
  /** Refreshes that all replicas together ask this provider for in a second, 0.01 to 1000. Default: as many as are needed. */
  refreshesPerSecond?: number;
  /**
   * Binds tokens to a key that is proven with every request (DPoP, RFC 9449). Answers that are not bound are refused. The
   * log-in hands its key to `storeTokens`; a public client has to. Default: false.
   */
  dpop?: boolean;
  /** Allows `http:` for this provider and its APIs. Local development only. */
  allowInsecureRequests?: boolean;
}

const URL_FIELDS = [
  'issuer',
  'authorizationEndpoint',
  'pushedAuthorizationEndpoint',
  'tokenEndpoint',
  'revocationEndpoint',
  'introspectionEndpoint',
  'jwksUri',
  'endSessionEndpoint',
] as const;

const url = z
  .string()
  .refine((value) => URL.canParse(value), 'must be an absolute URL such as https://id.example.com');
const secret = z.string().min(1, 'must not be empty');

/** What makes a log-in safe is not for options to change. */
const OWN_PARAMETERS = new Set([
  'client_id',
  'client_secret',
  'response_type',
  'response_mode',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'dpop_jkt',
  'request',
  'request_uri',
]);

const authorizationParameters = z.record(
  z
    .string()
    .regex(/^[\w.:-]{1,64}$/, 'must be the name of a parameter')
    .refine((name) => !OWN_PARAMETERS.has(name), 'is set by the library'),
  z.string().max(1024, 'must have at most 1024 characters'),
);

const clientKey = z.custom<ClientKey | ClientKey[]>().superRefine((keys, context) => {
  if (Array.isArray(keys) && keys.length === 0)
    context.addIssue({ code: 'custom', message: 'must hold at least one key' });
  for (const [index, key] of readClientKeys(keys, undefined).entries())
    if (typeof key === 'string')
      context.addIssue({ code: 'custom', path: Array.isArray(keys) ? [index] : [], message: key });
});

const profile = z
  .union([
    z
      .string()
      .refine(
        (name) => profileOf({ profile: name }) !== undefined,
        `is not a profile; known: ${Object.keys(providerProfiles).join(', ')}`,
      ),
    providerProfileSchema,
  ])
  // A schema knows no readonly.
  .transform((value) => value as ProviderProfileName | ProviderProfile);

const shape = z.strictObject({
  profile: profile.optional(),
  ...(Object.fromEntries(URL_FIELDS.map((field) => [field, url.optional()])) as Record<
    (typeof URL_FIELDS)[number],
    z.ZodOptional<typeof url>
  >),
  clientId: z.string().min(1, 'must be the client id that the provider has given you'),
  clientSecret: z.union([secret, z.array(secret).min(1, 'must hold at least one secret')]).optional(),
  clientAuthentication: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .optional(),
  clientKey: clientKey.optional(),
  clientKeyAlgorithm: z
    .enum(SIGNING_ALGORITHMS, `must be one of ${SIGNING_ALGORITHMS.join(', ')}`)
    .optional(),
  scope: z.string().optional(),
  pushedAuthorization: z.boolean().optional(),
  signedRequests: z.boolean().optional(),
  authorizationParameters: authorizationParameters.optional(),
  apiOrigins: z.array(url).optional(),
  defaultLifetimeSeconds: z
    .int()
    .min(1, 'must be at least 1, or null')
    .max(MAX_LIFETIME_SECONDS, `must be at most ${MAX_LIFETIME_SECONDS}`)
    .nullable()
    .optional(),
  onUnknownOutcome: z.enum(['replay', 'reauthorize']).optional(),
  reuseGraceSeconds: z.number().min(0, 'must be 0 or a number of seconds').optional(),
  idleExpirySeconds: idleExpirySeconds.nullable().optional(),
  refreshesPerSecond: refreshesPerSecond.optional(),
  dpop: z.boolean().optional(),
  allowInsecureRequests: z.boolean().optional(),
});

/** Validates one provider; every issue has the path of the option and says what to write instead. */
export const providerOptionsSchema = shape.superRefine((provider, context) => {
  const fault = (path: (string | number)[], message: string): void => {
    context.addIssue({ code: 'custom', path, message });
  };
  const known = withProfile(provider);
  if (!known.issuer && !known.tokenEndpoint) {
    fault(
      [],
      `has neither "issuer" nor "tokenEndpoint"${provider.profile ? ', which its profile leaves to you' : ''}: give the issuer URL for discovery, or the endpoints one by one`,
    );
  }
  const insecure = (value: string): boolean =>
    !provider.allowInsecureRequests && URL.canParse(value) && new URL(value).protocol !== 'https:';
  for (const field of URL_FIELDS) {
    const value = known[field];
    if (value && insecure(value))
      fault([field], 'must begin with https: (for local development set allowInsecureRequests: true)');
  }
  for (const [index, origin] of (provider.apiOrigins ?? []).entries()) {
    if (URL.canParse(origin) && new URL(origin).origin !== origin)
      fault(['apiOrigins', index], `must be an origin without a path: write "${new URL(origin).origin}"`);
    if (insecure(origin))
      fault(
        ['apiOrigins', index],
        'must begin with https: (for local development set allowInsecureRequests: true)',
      );
  }
  for (const message of credentialFaults(provider)) fault(...message);
  if (provider.signedRequests && !provider.clientKey)
    fault(['signedRequests'], 'needs a clientKey to sign with');
});

/** Which credential is missing, idle or in the way of another one. */
function credentialFaults({
  clientAuthentication: method,
  clientSecret,
  clientKey: key,
  clientKeyAlgorithm: algorithm,
}: Partial<ProviderOptions>): [string[], string][] {
  const faults: [string[], string][] = [];
  if (clientSecret && key)
    faults.push([['clientKey'], 'stands beside a clientSecret: remove one of the two']);
  if (method === 'none' && clientSecret)
    faults.push([
      ['clientAuthentication'],
      'is "none" although there is a clientSecret: remove one of the two',
    ]);
  if (method === 'private_key_jwt' && !key) faults.push([['clientKey'], 'is needed for private_key_jwt']);
  if (key && method && method !== 'private_key_jwt')
    faults.push([
      ['clientAuthentication'],
      `is "${method}" although there is a clientKey: remove one of the two`,
    ]);
  if (!key && !clientSecret && method?.startsWith('client_secret_'))
    faults.push([['clientSecret'], `is needed for ${method}`]);
  if (algorithm && !key)
    faults.push([['clientKeyAlgorithm'], 'says how a clientKey signs, and there is none: remove it']);
  // A key that is wrong by itself has its own message.
  if (algorithm && key && readClientKeys(key, undefined).every((read) => typeof read !== 'string'))
    faults.push(...fittingFaults(key, algorithm));
  return faults;
}

function fittingFaults(keys: ClientKey | ClientKey[], algorithm: SigningAlgorithm): [string[], string][] {
  const unfit = readClientKeys(keys, algorithm).find((read) => typeof read === 'string');
  return typeof unfit === 'string' ? [[['clientKeyAlgorithm'], `a clientKey ${unfit}`]] : [];
}

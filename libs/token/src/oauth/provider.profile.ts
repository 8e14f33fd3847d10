import { z } from 'zod';
import type { RefreshOutcome } from '../common/events.js';
import { MAX_LIFETIME_SECONDS } from './lifetime.js';

/** What an error code may mean for a refresh. */
export type ErrorMeaning = Extract<
  RefreshOutcome,
  'grant_rejected' | 'client_rejected' | 'throttled' | 'unavailable' | 'outcome_unknown'
>;

/**
 * What is known of a provider, as data. Every field but `source` may be missing: then nothing is known, and the library
 * does what is safe for any provider. A field of `ProviderOptions` with the same name wins.
 */
export interface ProviderProfile {
  /** The page that these facts come from. */
  source: string;
  /** What depends on your settings at the provider, in a sentence. */
  note?: string;
  /** Endpoints that are the same for everybody. None of them is used where the options name an `issuer` or a `tokenEndpoint`. */
  issuer?: string;
  authorizationEndpoint?: string;
  tokenEndpoint?: string;
  revocationEndpoint?: string;
  clientAuthentication?: 'client_secret_basic' | 'client_secret_post';
  /** True: a refresh token works once. False: it goes on working, whether or not a new one comes with a refresh. */
  rotatesRefreshTokens?: boolean;
  /** As in `ProviderOptions`. */
  reuseGraceSeconds?: number;
  /** As in `ProviderOptions`. Left out where a refresh does not begin the time anew. */
  idleExpirySeconds?: number;
  /** True: revoking one token ends everything that its user has granted to this client, a later log-in as well. */
  revocationEndsGrant?: boolean;
  /** As in `ProviderOptions`: a limit that is the same for everybody. */
  refreshesPerSecond?: number;
  /** As in `ProviderOptions`. */
  defaultLifetimeSeconds?: number;
  /** What separates the values of `scope` in a token response. Default: a space. */
  scopeDelimiter?: ',';
  /** Reads every answer that is not JSON as a form. Without it the answer's content type decides. */
  formEncodedAnswers?: boolean;
  /** Values of `token_type` that mean `Bearer`. */
  bearerTokenTypes?: readonly string[];
  /** Name of the object within a token response that holds the token set, where it does. */
  nestedIn?: string;
  /** Meanings of error codes beyond those of RFC 6749 §5.2. They win over the usual meanings. */
  errorCodes?: Readonly<Record<string, ErrorMeaning>>;
}

const url = z.url({ protocol: /^https?$/, error: 'must be an absolute URL such as https://id.example.com' });
const seconds = z.number().min(0, 'must be 0 or a number of seconds');

// Less would be a refresh for every run of the job.
export const idleExpirySeconds = z.number().min(60, 'must be at least 60 seconds');
export const refreshesPerSecond = z
  .number()
  .min(0.01, 'must be at least 0.01')
  .max(1000, 'must be at most 1000');

/** Validates a profile of the application's own. */
export const providerProfileSchema = z.strictObject({
  source: z.string(),
  note: z.string().optional(),
  issuer: url.optional(),
  authorizationEndpoint: url.optional(),
  tokenEndpoint: url.optional(),
  revocationEndpoint: url.optional(),
  clientAuthentication: z.enum(['client_secret_basic', 'client_secret_post']).optional(),
  rotatesRefreshTokens: z.boolean().optional(),
  reuseGraceSeconds: seconds.optional(),
  idleExpirySeconds: idleExpirySeconds.optional(),
  refreshesPerSecond: refreshesPerSecond.optional(),
  revocationEndsGrant: z.boolean().optional(),
  defaultLifetimeSeconds: z.int().min(1).max(MAX_LIFETIME_SECONDS).optional(),
  scopeDelimiter: z.literal(',').optional(),
  formEncodedAnswers: z.boolean().optional(),
  bearerTokenTypes: z.array(z.string()).optional(),
  nestedIn: z.string().optional(),
  errorCodes: z
    .record(
      z.string(),
      z.enum(['grant_rejected', 'client_rejected', 'throttled', 'unavailable', 'outcome_unknown']),
    )
    .optional(),
});

import { z } from 'zod';
import type { Secret } from '../common/secret.js';
import type { Session } from '../session/session.types.js';
import type { AuthorizationMessage } from './faults.js';

/** Who has come back from a provider. */
export interface AuthorizedIdentity {
  provider: string;
  /** Name of the account, as the log-in has asked for it; else `default`. */
  account: string;
  /** `sub` of the ID token; null where the provider is no OpenID provider. */
  subject: string | null;
  /** Claims of the checked ID token; null without one. */
  claims: Readonly<Record<string, unknown>> | null;
  /** To ask a provider without ID tokens who it is. */
  accessToken: Secret;
  /** What the provider has granted. */
  scope: string;
}

/** The user of your application. */
export interface AuthorizedUser {
  userId: string;
  /** Default: `default`. */
  tenantId?: string;
  /** What the session is to keep, at most 4 KB as JSON. */
  attributes?: Record<string, unknown>;
}

/** Tells which user it is; null where that cannot be told, which ends the log-in. `current`: who is logged in so far. */
export type UserOf = (
  identity: AuthorizedIdentity,
  current: Session | null,
) => AuthorizedUser | null | Promise<AuthorizedUser | null>;

export interface AuthorizationLimitOptions {
  /** Log-ins that one browser may have under way. 1 to 100. Default 10. */
  perBrowser?: number;
  /** Log-ins that all browsers together may have under way. 1 to 10000000. Default 100000. */
  inAll?: number;
  /** Pages of one session that one replica tells of its end. 1 to 1000. Default 10. */
  streamsPerSession?: number;
}

export interface AuthorizationModuleOptions {
  /**
   * Where browsers find the application, `https://app.example.com`, with the path where it is mounted below one. Callbacks
   * are built from it and never from a request's `Host`. A function, where it is known only when the application listens.
   */
  publicUrl: string | (() => string);
  /** Which user of the application has logged in. */
  userOf: UserOf;
  /** The path to go to after a log-in that names no other. Default: `/`. */
  returnTo?: string;
  /** The path that a provider sends the user back to after ending its own session; registered there. Default: `/`. */
  afterLogout?: string;
  /** By provider: scope values beyond its `scope` that `?scope=` may ask for. Default: none. */
  furtherScope?: Record<string, string>;
  /** Providers whose access tokens `POST token/:provider` gives to the page. Default: none. */
  mediated?: string[];
  /** What `GET session` tells the page of its user. `userId` tells a page that somebody else is logged in. Default: it, `provider` and, if it is an attribute, `name`. */
  publicUser?: (session: Session) => Record<string, unknown>;
  /** The page, as HTML, that a person sees when a log-in does not work. Default: a plain one. */
  page?: (message: AuthorizationMessage) => string;
  limits?: AuthorizationLimitOptions;
  /** Allows an `http:` public URL, and with it cookies that are not `Secure`. Local development only. */
  allowInsecureRequests?: boolean;
}

export const LIMIT_DEFAULTS = { perBrowser: 10, inAll: 100_000, streamsPerSession: 10 };

const callable = z.custom<never>((value) => typeof value === 'function', 'must be a function');
const bound = (max: number) =>
  z.int().min(1, 'must be at least 1').max(max, `must be at most ${max}`).optional();

/** Faults that are seen without the providers. */
export const authorizationOptionsSchema = z.strictObject({
  publicUrl: z.union([z.string(), callable], 'must be a URL such as https://app.example.com, or a function'),
  userOf: callable,
  returnTo: z.string().optional(),
  afterLogout: z.string().optional(),
  furtherScope: z.record(z.string(), z.string()).optional(),
  mediated: z.array(z.string()).optional(),
  publicUser: callable.optional(),
  page: callable.optional(),
  limits: z
    .strictObject({ perBrowser: bound(100), inAll: bound(10_000_000), streamsPerSession: bound(1000) })
    .optional(),
  allowInsecureRequests: z.boolean().optional(),
});

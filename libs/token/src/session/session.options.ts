import { z } from 'zod';
import { isProduction } from '../common/environment.js';
import { TokenConfigurationError } from '../common/errors.js';
import { faultsOf } from '../common/option-faults.js';

export interface SessionModuleOptions {
  /** A session that no request has used for so long is over. 60 to 2592000 (30 days). Default 1800. */
  idleSeconds?: number;
  /** A session is over so long after its log-in, whatever happens. `idleSeconds` to 31536000 (a year). Default 43200. */
  absoluteSeconds?: number;
  cookie?: {
    /** `strict`: also a link from another site opens the application without the session. Default `lax`. */
    sameSite?: 'lax' | 'strict';
    /** The browser keeps the cookie when it is closed, for `absoluteSeconds`. Default false. */
    persistent?: boolean;
  };
  /** `http://` for local development only: the cookie is `tokenward`, without `Secure`. Refused in production. */
  allowInsecureRequests?: boolean;
  /** Sessions kept in memory, for a second or while changes are heard of. Default: `{ maxEntries: 10000 }`. */
  cache?: false | { maxEntries?: number };
  /** For `SessionTies`: ends a session of the application's own when its tokens have ended. */
  hostSessions?: HostSessions;
}

/** Where the application keeps sessions of its own, as a store of express-session or `@fastify/session`. */
export interface HostSessions {
  /** Ends the session with this id; resolves also where there is none any more. */
  destroy(sessionId: string): Promise<void>;
}

/** The options with every default filled in. */
export interface ResolvedSessionOptions {
  idleMs: number;
  absoluteMs: number;
  sameSite: 'lax' | 'strict';
  persistent: boolean;
  secure: boolean;
  cacheEntries: number | false;
  hostSessions: HostSessions | null;
}

/** NIST SP 800-63B §4.2.3 (AAL2): 30 minutes without activity, 12 hours at most. */
const DEFAULTS = { idleSeconds: 1_800, absoluteSeconds: 43_200 };

const seconds = (min: number, max: number) =>
  z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`).optional();

const schema = z
  .strictObject({
    idleSeconds: seconds(60, 2_592_000),
    absoluteSeconds: seconds(60, 31_536_000),
    cookie: z
      .strictObject({
        sameSite: z.enum(['lax', 'strict'], 'must be "lax" or "strict"').optional(),
        persistent: z.boolean().optional(),
      })
      .optional(),
    allowInsecureRequests: z.boolean().optional(),
    cache: z
      .union([
        z.literal(false),
        z.strictObject({ maxEntries: z.int().min(1, 'must be at least 1').optional() }),
      ])
      .optional(),
    hostSessions: z
      .custom<HostSessions>(
        (value) => typeof (value as HostSessions | null)?.destroy === 'function',
        'must be an object with a method destroy(sessionId)',
      )
      .optional(),
  })
  .superRefine((options, context) => {
    const { idleSeconds, absoluteSeconds } = { ...DEFAULTS, ...options };
    if (absoluteSeconds < idleSeconds)
      context.addIssue({
        code: 'custom',
        path: ['absoluteSeconds'],
        message: `must not be less than idleSeconds, which is ${idleSeconds}`,
      });
    if (options.allowInsecureRequests === true && isProduction())
      context.addIssue({
        code: 'custom',
        path: ['allowInsecureRequests'],
        message: 'must not be set in production: serve https, also behind a proxy that ends TLS',
      });
  });

/** Validates the module's options and fills in the defaults. @throws TokenConfigurationError with every fault at once */
export function resolveSessionOptions(options: SessionModuleOptions): ResolvedSessionOptions {
  const { data, error } = schema.safeParse(options ?? {});
  if (!data) throw new TokenConfigurationError(faultsOf(error).map((fault) => `SessionModule ${fault}`));
  return {
    idleMs: (data.idleSeconds ?? DEFAULTS.idleSeconds) * 1000,
    absoluteMs: (data.absoluteSeconds ?? DEFAULTS.absoluteSeconds) * 1000,
    sameSite: data.cookie?.sameSite ?? 'lax',
    persistent: data.cookie?.persistent ?? false,
    secure: !data.allowInsecureRequests,
    cacheEntries: data.cache === false ? false : (data.cache?.maxEntries ?? 10_000),
    hostSessions: data.hostSessions ?? null,
  };
}

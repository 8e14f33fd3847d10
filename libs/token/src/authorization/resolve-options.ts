import { TokenConfigurationError } from '../common/errors.js';
import { faultsOf } from '../common/option-faults.js';
import type { Providers } from '../oauth/providers.js';
import type { Session } from '../session/session.types.js';
import {
  authorizationOptionsSchema,
  type AuthorizationModuleOptions,
  LIMIT_DEFAULTS,
} from './authorization.options.js';
import { publicUrlFault } from './public-url.js';
import { safeReturnTo } from './return-to.js';

export type ResolvedAuthorizationOptions = Required<Omit<AuthorizationModuleOptions, 'limits' | 'page'>> & {
  limits: typeof LIMIT_DEFAULTS;
  /** Null: the page of this library. */
  page: NonNullable<AuthorizationModuleOptions['page']> | null;
};

export const PREFIX = /^[\w.~-]+(?:\/[\w.~-]+)*$/;

/** Validates the options against each other and the providers. @throws TokenConfigurationError with every fault at once */
export function resolveAuthorizationOptions(
  options: AuthorizationModuleOptions,
  providers: Providers,
  prefix: string,
): ResolvedAuthorizationOptions {
  const { error } = authorizationOptionsSchema.safeParse(options ?? {});
  const faults = error
    ? faultsOf(error)
    : [...valueFaults(options, prefix), ...providerFaults(options, providers)];
  if (faults.length > 0)
    throw new TokenConfigurationError(faults.map((fault) => `AuthorizationModule ${fault}`));
  return {
    publicUrl: options.publicUrl,
    userOf: options.userOf,
    returnTo: options.returnTo ?? '/',
    afterLogout: options.afterLogout ?? '/',
    furtherScope: options.furtherScope ?? {},
    mediated: options.mediated ?? [],
    publicUser: options.publicUser ?? publicUser,
    page: options.page ?? null,
    limits: { ...LIMIT_DEFAULTS, ...options.limits },
    allowInsecureRequests: options.allowInsecureRequests ?? false,
  };
}

function valueFaults(
  { publicUrl, returnTo, afterLogout, allowInsecureRequests = false }: AuthorizationModuleOptions,
  prefix: string,
): string[] {
  const urlFault = typeof publicUrl === 'string' ? publicUrlFault(publicUrl, allowInsecureRequests) : null;
  return [
    ...(urlFault === null ? [] : [`publicUrl: ${urlFault}`]),
    ...Object.entries({ returnTo, afterLogout })
      .filter(([, path]) => path !== undefined && safeReturnTo(path, `/${prefix}`) === null)
      .map(([option]) => `${option}: must be a path of this application such as "/" or "/home"`),
    ...(PREFIX.test(prefix) ? [] : ['prefix: must be a path such as "auth", without slashes at its ends']),
  ];
}

function providerFaults(
  { furtherScope = {}, mediated = [] }: AuthorizationModuleOptions,
  providers: Providers,
): string[] {
  const named = [
    ...Object.keys(furtherScope).map((name) => [`furtherScope.${name}`, name] as const),
    ...mediated.map((name) => ['mediated', name] as const),
  ];
  return [
    ...named
      .filter(([, name]) => !providers.find(name))
      .map(
        ([option, name]) =>
          `${option}: "${name}" is not a configured provider; known: ${providers.names.join(', ')}`,
      ),
    ...mediated
      .filter((name) => providers.find(name)?.options.dpop)
      .map((name) => `mediated: the tokens of "${name}" are bound to a key (dpop) that no page has`),
  ];
}

function publicUser({ userId, login, attributes }: Session): Record<string, unknown> {
  const { name } = attributes;
  return { userId, provider: login?.provider ?? null, ...(typeof name === 'string' && { name }) };
}

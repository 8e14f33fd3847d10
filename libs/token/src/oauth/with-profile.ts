import { type ProviderProfileName, providerProfiles } from './provider-profiles.js';
import type { ProviderProfile } from './provider.profile.js';

/** The options of a provider that a profile has a say in. */
interface ProfiledOptions {
  profile?: string | ProviderProfile | undefined;
  issuer?: string | undefined;
  tokenEndpoint?: string | undefined;
  clientSecret?: unknown;
  clientKey?: unknown;
}

const ENDPOINTS = ['issuer', 'authorizationEndpoint', 'tokenEndpoint', 'revocationEndpoint'];

/** The profile that the options name or bring; undefined where there is none of that name. */
export function profileOf({ profile }: ProfiledOptions): ProviderProfile | undefined {
  if (typeof profile !== 'string') return profile;
  return Object.hasOwn(providerProfiles, profile)
    ? providerProfiles[profile as ProviderProfileName]
    : undefined;
}

/**
 * Options with what their profile knows filled in; what the options say themselves stays. For log-in code that needs the
 * endpoints of a profile; the library does it by itself.
 */
export function withProfile<Options extends ProfiledOptions>(options: Options): Options {
  const profile = profileOf(options);
  if (!profile) return options;
  // Endpoints of two servers must never be mixed: a token would go to the wrong one.
  const ownServer = options.issuer !== undefined || options.tokenEndpoint !== undefined;
  const withSecret = options.clientSecret !== undefined && options.clientKey === undefined;
  return {
    ...given(profile, [
      'reuseGraceSeconds',
      'idleExpirySeconds',
      'refreshesPerSecond',
      'defaultLifetimeSeconds',
      ...(ownServer ? [] : ENDPOINTS),
      ...(withSecret ? ['clientAuthentication'] : []),
    ]),
    ...given(options, Object.keys(options)),
  } as Options;
}

/** Undefined counts as not given. */
function given(from: object, names: readonly string[]): object {
  return Object.fromEntries(
    Object.entries(from).filter(([name, value]) => names.includes(name) && value !== undefined),
  );
}

import { type ProviderOptions, type ProviderProfile, providerProfiles } from '@tokenward/nestjs';

/** A provider with a profile needs little else. */
export const github: ProviderOptions = {
  profile: 'github',
  clientId: 'Iv1.0123456789abcdef',
  clientSecret: 'from your secret store',
};

/** Options win over the profile: in this Okta organization the grace is another one. */
export const okta: ProviderOptions = {
  profile: 'okta',
  issuer: 'https://example.okta.com/oauth2/default',
  clientId: '0oa0123456789',
  clientSecret: 'from your secret store',
  reuseGraceSeconds: 60,
};

/** A profile of your own. */
const intranet: ProviderProfile = {
  ...providerProfiles.keycloak,
  source: 'https://wiki.example.com/login',
  issuer: 'https://login.example.com/realms/staff',
  rotatesRefreshTokens: true,
  reuseGraceSeconds: 0,
  idleExpirySeconds: 1800,
};
export const staff: ProviderOptions = { profile: intranet, clientId: 'tokens' };

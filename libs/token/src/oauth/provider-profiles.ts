import type { ProviderProfile } from './provider.profile.js';

const DAY = 24 * 3600;

const slack: ProviderProfile = {
  source: 'https://docs.slack.dev/authentication/using-token-rotation',
  note: 'The bot token. Only with token rotation switched on there is a refresh token, and an access token expires.',
  authorizationEndpoint: 'https://slack.com/oauth/v2/authorize',
  tokenEndpoint: 'https://slack.com/api/oauth.v2.access',
  rotatesRefreshTokens: true,
  scopeDelimiter: ',',
  bearerTokenTypes: ['bot', 'user'],
  errorCodes: {
    invalid_refresh_token: 'grant_rejected',
    authorization_not_found: 'grant_rejected',
    ratelimited: 'throttled',
    // Slack says of both that part of the work may have been done.
    internal_error: 'outcome_unknown',
    fatal_error: 'outcome_unknown',
  },
};

/** Providers with a profile. */
export type ProviderProfileName =
  | 'atlassian'
  | 'auth0'
  | 'box'
  | 'cognito'
  | 'curity'
  | 'github'
  | 'gitlab'
  | 'google'
  | 'hubspot'
  | 'hydra'
  | 'keycloak'
  | 'microsoft'
  | 'okta'
  | 'salesforce'
  | 'slack'
  | 'slack-user'
  | 'workos'
  | 'xero';

const profiles: Record<ProviderProfileName, ProviderProfile> = {
  google: {
    source: 'https://developers.google.com/identity/protocols/oauth2',
    note: 'Revoking a token ends all that its user has granted to the client. While the consent screen is in testing, refresh tokens live for 7 days.',
    issuer: 'https://accounts.google.com',
    rotatesRefreshTokens: false,
    idleExpirySeconds: 180 * DAY,
    revocationEndsGrant: true,
  },
  microsoft: {
    source: 'https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens',
    note: "Give your tenant's issuer, https://login.microsoftonline.com/{tenant}/v2.0, unless users of any tenant may log in.",
    issuer: 'https://login.microsoftonline.com/common/v2.0',
    rotatesRefreshTokens: false,
    idleExpirySeconds: 90 * DAY,
  },
  github: {
    source:
      'https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens',
    note: 'GitHub Apps. The tokens of an OAuth app do not expire, and there is no refresh token.',
    authorizationEndpoint: 'https://github.com/login/oauth/authorize',
    tokenEndpoint: 'https://github.com/login/oauth/access_token',
    clientAuthentication: 'client_secret_post',
    rotatesRefreshTokens: true,
    idleExpirySeconds: 180 * DAY,
    scopeDelimiter: ',',
    formEncodedAnswers: true,
    errorCodes: { bad_refresh_token: 'grant_rejected' },
  },
  slack,
  'slack-user': {
    ...slack,
    note: 'The user token, which a log-in answers inside authed_user. For bot and user token configure two providers.',
    nestedIn: 'authed_user',
  },
  salesforce: {
    source:
      'https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_refresh_token_flow.htm&type=5',
    note: 'Rotation is a setting of the connected app. No lifetime is told: defaultLifetimeSeconds may be its session timeout. For a sandbox or your own domain give its endpoints.',
    authorizationEndpoint: 'https://login.salesforce.com/services/oauth2/authorize',
    tokenEndpoint: 'https://login.salesforce.com/services/oauth2/token',
    revocationEndpoint: 'https://login.salesforce.com/services/oauth2/revoke',
    clientAuthentication: 'client_secret_post',
  },
  hubspot: {
    source: 'https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide',
    authorizationEndpoint: 'https://app.hubspot.com/oauth/authorize',
    tokenEndpoint: 'https://api.hubapi.com/oauth/v3/token',
    clientAuthentication: 'client_secret_post',
  },
  atlassian: {
    source:
      'https://community.developer.atlassian.com/t/updated-31-january-2022-action-required-deprecating-persistent-refresh-tokens/54172',
    note: 'A refresh token ends after 365 days, used or not.',
    authorizationEndpoint: 'https://auth.atlassian.com/authorize',
    tokenEndpoint: 'https://auth.atlassian.com/oauth/token',
    clientAuthentication: 'client_secret_post',
    rotatesRefreshTokens: true,
    reuseGraceSeconds: 600,
    idleExpirySeconds: 90 * DAY,
  },
  auth0: {
    source: 'https://auth0.com/docs/secure/tokens/refresh-tokens/configure-refresh-token-rotation',
    note: 'Give your issuer. Where rotation is allowed, reuseGraceSeconds is the rotation overlap period.',
  },
  okta: {
    source:
      'https://github.com/okta/okta-sdk-dotnet/blob/master/docs/OpenIdConnectApplicationSettingsRefreshToken.md',
    note: 'Give your issuer. The grace is the default of an application with rotating refresh tokens, 0 to 60 seconds can be set.',
    reuseGraceSeconds: 30,
  },
  keycloak: {
    source: 'https://www.keycloak.org/docs/latest/server_admin/#_timeouts',
    note: 'Give your issuer. With "Revoke Refresh Token" switched on and no reuse allowed, set reuseGraceSeconds: 0. Refresh tokens live as long as "SSO Session Idle", offline ones as "Offline Session Idle".',
  },
  cognito: {
    source:
      'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RefreshTokenRotationType.html',
    note: 'Give the issuer of your user pool. Where rotation is enabled, reuseGraceSeconds is RetryGracePeriodSeconds, 0 to 60.',
  },
  workos: {
    source: 'https://workos.com/docs/user-management/sessions/introduction',
    note: 'Give your endpoints.',
    rotatesRefreshTokens: true,
    reuseGraceSeconds: 30,
  },
  hydra: {
    source: 'https://www.ory.com/docs/hydra/guides/graceful-token-refresh',
    note: 'Give your issuer. With a rotation_grace_period, at most 5 minutes, set reuseGraceSeconds to it.',
    rotatesRefreshTokens: true,
    reuseGraceSeconds: 0,
  },
  curity: {
    source:
      'https://curity.io/docs/identity-server/configuration-reference/profiles/profile/settings/authorization-server/refresh-token-revocation',
    note: 'Give your issuer. Where refresh tokens may be reused, or have a grace-period, say so in reuseGraceSeconds or onUnknownOutcome.',
    reuseGraceSeconds: 0,
  },
  box: {
    source: 'https://developer.box.com/guides/authentication/tokens/refresh',
    authorizationEndpoint: 'https://account.box.com/api/oauth2/authorize',
    tokenEndpoint: 'https://api.box.com/oauth2/token',
    revocationEndpoint: 'https://api.box.com/oauth2/revoke',
    clientAuthentication: 'client_secret_post',
    rotatesRefreshTokens: true,
    idleExpirySeconds: 60 * DAY,
  },
  gitlab: {
    source: 'https://docs.gitlab.com/api/oauth2/',
    note: 'For an instance of your own give its issuer.',
    issuer: 'https://gitlab.com',
    rotatesRefreshTokens: true,
    defaultLifetimeSeconds: 7200,
  },
  xero: {
    source: 'https://developer.xero.com/faq/oauth2',
    authorizationEndpoint: 'https://login.xero.com/identity/connect/authorize',
    tokenEndpoint: 'https://identity.xero.com/connect/token',
    clientAuthentication: 'client_secret_basic',
    rotatesRefreshTokens: true,
    reuseGraceSeconds: 1800,
    idleExpirySeconds: 60 * DAY,
  },
};

function frozen<T extends object>(value: T): Readonly<T> {
  for (const part of Object.values(value)) if (typeof part === 'object') frozen(part as object);
  return Object.freeze(value);
}

/**
 * What the providers' own documents say of them. A fact that they do not tell, or that depends on settings, is left out.
 * A profile of your own may begin with one of these: `{ ...providerProfiles.okta, reuseGraceSeconds: 0 }`.
 */
export const providerProfiles: Readonly<Record<ProviderProfileName, Readonly<ProviderProfile>>> =
  frozen(profiles);

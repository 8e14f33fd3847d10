export { TokenModule } from './token.module.js';
export type { CacheOptions, TokenModuleOptions } from './token.options.js';
export type { CleanupOptions, RevocationOptions, RotationOptions } from './jobs/job.options.js';
export type { KeyringFile } from './keys/keyring.js';
export type { ProviderOptions } from './oauth/provider.options.js';
export type { ClientKey, ClientKeyJwk } from './oauth/client-key.js';
export type { ErrorMeaning, ProviderProfile } from './oauth/provider.profile.js';
export { type ProviderProfileName, providerProfiles } from './oauth/provider-profiles.js';
export { withProfile } from './oauth/with-profile.js';
export type { AfterRestore } from './refresh/hold.js';
export type { Liveness, RefreshAheadOptions, RefreshOptions } from './refresh/refresh.options.js';
export { tokenEntities, tokenMigrations } from './database/schema.js';
export { AuthorizationEntity } from './database/entities/authorization.entity.js';
export { DataKeyEntity } from './database/entities/data-key.entity.js';
export { KekEntity } from './database/entities/kek.entity.js';
export { KeyAuditEntity } from './database/entities/key-audit.entity.js';
export { LineageEntity } from './database/entities/lineage.entity.js';
export { LogoutTokenEntity } from './database/entities/logout-token.entity.js';
export { ProviderStateEntity } from './database/entities/provider-state.entity.js';
export { ReplicaEntity } from './database/entities/replica.entity.js';
export { RevocationEntity } from './database/entities/revocation.entity.js';
export { SessionEntity } from './database/entities/session.entity.js';
export { TokenEntity } from './database/entities/token.entity.js';

export { TokenService } from './token.service.js';
export type {
  DpopProofOptions,
  GetAccessTokenOptions,
  RevocationFilter,
  StoreTokensOptions,
} from './token.service.types.js';
export type { DpopPrivateKey } from './crypto/dpop-key.js';
export type { ClientTokenOptions, ExchangeTokenOptions } from './on-demand/request-options.js';
export type { StoredToken, TokenRef, TokenSet, TokenStatus } from './common/tokens.js';
export type { TokenFilter } from './store/token-rows.js';
export type { TokenResponse } from './oauth/token-response.js';
export { Secret } from './common/secret.js';

export { EncryptionService, type EncryptionContext } from './encryption/encryption.service.js';
export { KeyService } from './key.service.js';
export type {
  ActorOptions,
  DataKeyStatus,
  KekStatus,
  KeyAuditEntry,
  KeyPlan,
  KeyStatus,
  ReencryptionStatus,
  ReplicaStatus,
  RotationResult,
} from './key.service.types.js';
export type { DataKeyState } from './keys/data-key-rows.js';
export { KeyError, KeyWrapper, type KeyContext, type KeyFault } from './keys/key-wrapper.js';

export { ApiRequestError } from './http/api-request.error.js';
export { TokenHttpService } from './http/token-http.service.js';
export { AccessToken } from './guard/access-token.decorator.js';
export type { Principal, PrincipalOf } from './guard/principal.js';
export { TokenExceptionFilter } from './guard/token-exception.filter.js';
export { TokenGuard } from './guard/token.guard.js';
export { UseToken, type UseTokenOptions } from './guard/use-token.decorator.js';
export { TokenMaintenance } from './jobs/token-maintenance.js';
export type { ReencryptionOptions } from './store/reencryption.js';

export {
  type AuthorizationOutcome,
  type LogoutTokenOutcome,
  type RefreshOutcome,
  type RefusalReason,
  type SpoolOutcome,
  TokenEvents,
  type TokenEvent,
  type TokenGrant,
} from './common/events.js';
export type { TokenEventEmitter } from './events/event-bridge.js';
export { type NamedTokenEvents, TOKEN_EVENT, type TokenEventName } from './events/named-events.js';
export { TokenEventsModule } from './events/token-events.module.js';
export {
  CrossSiteRequestError,
  DecryptionError,
  KeyStateError,
  KeyUnavailableError,
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  ScopeNotGrantedError,
  SessionRequiredError,
  TokenConfigurationError,
  TokenError,
  TokenInputError,
  TokenNotFoundError,
  type TokenRequestCode,
  TokenRequestRejectedError,
} from './common/errors.js';

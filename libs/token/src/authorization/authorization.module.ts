import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { provide } from '../common/provide.js';
import { TokenEvents } from '../common/events.js';
import { EncryptionService } from '../encryption/encryption.service.js';
import { Providers } from '../oauth/providers.js';
import { SessionService } from '../session/session.service.js';
import { AuthorizationRows, LogoutTokenRows } from '../store/authorization-rows.js';
import { SessionRows } from '../store/session-rows.js';
import { TokenService } from '../token.service.js';
import { AuthorizationFaultFilter } from './authorization-fault.filter.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './authorization.module-definition.js';
import type { AuthorizationModuleOptions } from './authorization.options.js';
import { AuthorizationService } from './authorization.service.js';
import { AUTHORIZATION_OPTIONS, AUTHORIZATION_PREFIX } from './authorization.tokens.js';
import { BackchannelController, LogoutErrorFilter } from './backchannel.controller.js';
import { BackchannelService } from './backchannel.service.js';
import { CallbackService } from './callback.service.js';
import { LoginController } from './login.controller.js';
import { LogoutService } from './logout.service.js';
import { MediatedTokenController, NoTokenFilter } from './mediated-token.controller.js';
import { PublicUrl } from './public-url.js';
import { RefusedTokens } from './refused-tokens.js';
import { resolveAuthorizationOptions, type ResolvedAuthorizationOptions } from './resolve-options.js';
import { SessionController } from './session.controller.js';
import { SessionEventsController, StreamGuard } from './session-events.controller.js';
import { SessionStreams } from './session-streams.js';
import { Transactions } from './transactions.js';

/**
 * Log-in, connecting of accounts, and log-out with the providers of `TokenModule`, as routes below `prefix`. Import it once,
 * with `forRoot` or `forRootAsync`, beside `TokenModule` and `SessionModule`. Faults in the options end the start-up with
 * one `TokenConfigurationError` that lists them all.
 */
@Module({
  controllers: [
    LoginController,
    SessionEventsController,
    SessionController,
    BackchannelController,
    MediatedTokenController,
  ],
  providers: [
    provide(
      AUTHORIZATION_OPTIONS,
      [MODULE_OPTIONS_TOKEN, Providers, AUTHORIZATION_PREFIX],
      (options: AuthorizationModuleOptions, providers: Providers, prefix: string) =>
        resolveAuthorizationOptions(options, providers, prefix),
    ),
    provide(
      PublicUrl,
      [AUTHORIZATION_OPTIONS, AUTHORIZATION_PREFIX],
      ({ publicUrl, allowInsecureRequests }: ResolvedAuthorizationOptions, prefix: string) =>
        new PublicUrl(publicUrl, allowInsecureRequests, prefix),
    ),
    provide(
      Transactions,
      [AuthorizationRows, EncryptionService, AUTHORIZATION_OPTIONS],
      (rows: AuthorizationRows, encryption: EncryptionService, { limits }: ResolvedAuthorizationOptions) =>
        new Transactions(rows, encryption, limits),
    ),
    provide(
      AuthorizationService,
      [Providers, TokenService, Transactions, PublicUrl, TokenEvents, AUTHORIZATION_OPTIONS],
      (
        providers: Providers,
        tokens: TokenService,
        transactions: Transactions,
        publicUrl: PublicUrl,
        events: TokenEvents,
        options: ResolvedAuthorizationOptions,
      ) => new AuthorizationService({ providers, tokens, transactions, publicUrl, events }, options),
    ),
    provide(
      CallbackService,
      [TokenService, Transactions, PublicUrl, TokenEvents, AUTHORIZATION_OPTIONS],
      (
        tokens: TokenService,
        transactions: Transactions,
        publicUrl: PublicUrl,
        events: TokenEvents,
        options: ResolvedAuthorizationOptions,
      ) => new CallbackService({ tokens, transactions, publicUrl, events }, options),
    ),
    provide(
      LogoutService,
      [Providers, TokenService, PublicUrl, AUTHORIZATION_OPTIONS],
      (...args: ConstructorParameters<typeof LogoutService>) => new LogoutService(...args),
    ),
    provide(
      BackchannelService,
      [Providers, SessionService, SessionRows, TokenService, LogoutTokenRows, TokenEvents],
      (
        providers: Providers,
        sessions: SessionService,
        sessionRows: SessionRows,
        tokens: TokenService,
        used: LogoutTokenRows,
        events: TokenEvents,
      ) => new BackchannelService({ providers, sessions, sessionRows, tokens, used, events }),
    ),
    provide(
      SessionStreams,
      [SessionService, Clock, AUTHORIZATION_OPTIONS],
      (sessions: SessionService, clock: Clock, { limits }: ResolvedAuthorizationOptions) =>
        new SessionStreams(sessions, clock, limits.streamsPerSession),
    ),
    provide(RefusedTokens, [TokenService], (tokens: TokenService) => new RefusedTokens(tokens)),
    AuthorizationFaultFilter,
    NoTokenFilter,
    LogoutErrorFilter,
    StreamGuard,
  ],
})
export class AuthorizationModule extends ConfigurableModuleClass {}

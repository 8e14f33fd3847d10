import { type DynamicModule, Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { provide } from '../common/provide.js';
import { TokenEvents } from '../common/events.js';
import { EncryptionService } from '../encryption/encryption.service.js';
import { ReplicaSession } from '../refresh/replica-session.js';
import { SessionEndings } from '../session-endings.js';
import { SessionRows } from '../store/session-rows.js';
import { HostSessionEnds } from './host-session-ends.js';
import { SealedText } from './sealed-text.js';
import { SessionCookie } from './session-cookie.js';
import { SessionEnds } from './session-ends.js';
import { SessionGuard } from './session.guard.js';
import { SessionLifecycle } from './session.lifecycle.js';
import {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './session.module-definition.js';
import { type ResolvedSessionOptions, resolveSessionOptions } from './session.options.js';
import { SessionService } from './session.service.js';
import { SessionStore } from './session-store.js';
import { SessionTies } from './session-ties.js';

const OPTIONS = Symbol('tokenward resolved session options');

/**
 * Sessions of users on the server. Import it once, with `forRoot` or `forRootAsync`, beside `TokenModule`. Global unless
 * `isGlobal: false`. Faults in the options end the start-up with one `TokenConfigurationError` that lists them all.
 */
@Module({
  providers: [
    provide(OPTIONS, [MODULE_OPTIONS_TOKEN], resolveSessionOptions),
    provide(SessionCookie, [OPTIONS], (options: ResolvedSessionOptions) => new SessionCookie(options)),
    provide(
      SealedText,
      [EncryptionService, TokenEvents],
      (...args: ConstructorParameters<typeof SealedText>) => new SealedText(...args),
    ),
    provide(
      SessionStore,
      [SessionRows, SealedText, TokenEvents, Clock, ReplicaSession, OPTIONS],
      (
        rows: SessionRows,
        sealed: SealedText,
        events: TokenEvents,
        clock: Clock,
        { news }: ReplicaSession,
        options: ResolvedSessionOptions,
      ) => new SessionStore(rows, sealed, events, clock, news, options),
    ),
    provide(
      SessionEnds,
      [SessionRows, SessionEndings, ReplicaSession, Clock],
      (rows: SessionRows, endings: SessionEndings, { news }: ReplicaSession, clock: Clock) =>
        new SessionEnds(rows, endings, news, clock),
    ),
    provide(
      SessionService,
      [SessionStore, SessionEndings, SessionCookie, SessionEnds],
      (...args: ConstructorParameters<typeof SessionService>) => new SessionService(...args),
    ),
    provide(
      SessionLifecycle,
      [SessionStore, SessionEnds, TokenEvents, ReplicaSession, SessionEndings, Clock],
      (
        store: SessionStore,
        ends: SessionEnds,
        events: TokenEvents,
        { news }: ReplicaSession,
        endings: SessionEndings,
        clock: Clock,
      ) => new SessionLifecycle(store, ends, events, news, endings, clock),
    ),
    provide(
      SessionTies,
      [SessionStore, SessionEndings, OPTIONS],
      (store: SessionStore, endings: SessionEndings, { hostSessions }: ResolvedSessionOptions) =>
        new SessionTies(store, endings, hostSessions),
    ),
    provide(
      HostSessionEnds,
      [SessionRows, SealedText, SessionEnds, TokenEvents, Clock, OPTIONS],
      (
        rows: SessionRows,
        sealed: SealedText,
        ends: SessionEnds,
        events: TokenEvents,
        clock: Clock,
        { hostSessions }: ResolvedSessionOptions,
      ) => new HostSessionEnds(rows, sealed, ends, events, clock, hostSessions),
    ),
    SessionGuard,
  ],
  exports: [SessionService, SessionTies, SessionGuard],
})
export class SessionModule extends ConfigurableModuleClass {
  /** Without options: all defaults. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }
}

import type { Provider } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { TokenEvents } from '../common/events.js';
import { Providers } from '../oauth/providers.js';
import { ClientTokens } from '../on-demand/client-tokens.js';
import { ExchangedTokens } from '../on-demand/exchanged-tokens.js';
import { MEMORY_ENTRIES, TokenMemory } from '../on-demand/token-memory.js';
import { RefreshService } from '../refresh/refresh.service.js';
import { ReplicaSession } from '../refresh/replica-session.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { SessionEndings } from '../session-endings.js';
import { SessionRows } from '../store/session-rows.js';
import { TokenRows } from '../store/token-rows.js';
import { TokenStore } from '../store/token-store.js';
import { TokenCache } from '../token.cache.js';
import type { ResolvedOptions } from '../token.options.validation.js';
import { TokenRevoker } from '../token.revoker.js';
import { TokenService } from '../token.service.js';
import { TokenWriter } from '../token.writer.js';
import { provide } from '../common/provide.js';
import { OPTIONS, CACHE, TOKEN_ENCRYPTION } from './tokens.js';

/** Token sets: stored, read, kept in memory. */
export const tokenProviders: Provider[] = [
  provide(
    TokenStore,
    [TOKEN_ENCRYPTION, TokenEvents],
    (...args: ConstructorParameters<typeof TokenStore>) => new TokenStore(...args),
  ),
  provide(
    TokenRevoker,
    [TokenRows, TokenStore, TokenEvents, Clock, RevocationService],
    (...args: ConstructorParameters<typeof TokenRevoker>) => new TokenRevoker(...args),
  ),
  provide(
    TokenWriter,
    [TokenRows, TokenStore, TokenEvents, Clock, OPTIONS, ReplicaSession],
    (
      rows: TokenRows,
      store: TokenStore,
      events: TokenEvents,
      clock: Clock,
      { refresh }: ResolvedOptions,
      { presences }: ReplicaSession,
    ) => new TokenWriter(rows, store, events, clock, refresh, presences),
  ),
  provide(
    CACHE,
    [OPTIONS, Clock, ReplicaSession],
    ({ cacheEntries }: ResolvedOptions, clock: Clock, { news }: ReplicaSession) =>
      cacheEntries === false ? null : new TokenCache(cacheEntries, clock, news),
  ),
  provide(
    SessionEndings,
    [SessionRows, ReplicaSession, TokenEvents],
    (rows: SessionRows, { news }: ReplicaSession, events: TokenEvents) =>
      new SessionEndings(rows, news, events),
  ),
  provide(
    ClientTokens,
    [Clock, TokenEvents, OPTIONS],
    (clock: Clock, events: TokenEvents, { cacheEntries }: ResolvedOptions) =>
      new ClientTokens(
        new TokenMemory('client_credentials', cacheEntries || MEMORY_ENTRIES, clock, events),
        clock,
      ),
  ),
  provide(
    ExchangedTokens,
    [TokenRows, Clock, TokenEvents, OPTIONS],
    (rows: TokenRows, clock: Clock, events: TokenEvents, { cacheEntries }: ResolvedOptions) =>
      new ExchangedTokens(
        new TokenMemory('token_exchange', cacheEntries || MEMORY_ENTRIES, clock, events),
        rows,
      ),
  ),
  provide(
    TokenService,
    [
      TokenRows,
      TokenStore,
      TokenWriter,
      RefreshService,
      Providers,
      CACHE,
      TokenEvents,
      ClientTokens,
      ExchangedTokens,
      SessionEndings,
      TokenRevoker,
    ],
    (
      rows: TokenRows,
      store: TokenStore,
      writer: TokenWriter,
      refresher: RefreshService,
      providers: Providers,
      cache: TokenCache | null,
      events: TokenEvents,
      clientTokens: ClientTokens,
      exchangedTokens: ExchangedTokens,
      endings: SessionEndings,
      revoker: TokenRevoker,
    ) =>
      new TokenService(rows, store, writer, refresher, providers, {
        cache,
        events,
        clientTokens,
        exchangedTokens,
        endings,
        revoker,
      }),
  ),
];

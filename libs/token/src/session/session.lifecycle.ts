import type { BeforeApplicationShutdown, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import type { Clock } from '../common/clock.js';
import type { TokenEvent, TokenEvents } from '../common/events.js';
import type { RowNews } from '../refresh/row-news.js';
import type { SessionEndings } from '../session-endings.js';
import { Later } from './later.js';
import type { SessionEnds } from './session-ends.js';
import type { SessionStore } from './session-store.js';

/** Lets sessions go with the tokens that end in this process, at once; others find out when they read. */
export class SessionLifecycle implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown {
  readonly #overWithTokens: Later;
  #subscription: Subscription | null = null;

  constructor(
    private readonly store: SessionStore,
    private readonly ends: SessionEnds,
    private readonly events: TokenEvents,
    private readonly news: RowNews,
    endings: SessionEndings,
    clock: Clock,
  ) {
    this.#overWithTokens = new Later(clock, async (tokenIds) => {
      await endings.endOver({ tokenIds });
    });
  }

  onModuleInit(): void {
    this.#subscription = this.events.stream.subscribe((event) => this.#hear(event));
  }

  /** Pages that wait for the end of their session would keep the server from closing. */
  onModuleDestroy(): void {
    this.ends.stop();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.store.settled(), this.#overWithTokens.settled()]);
    this.#subscription?.unsubscribe();
  }

  #hear(event: TokenEvent): void {
    if (event.type === 'tenant_shredded') this.news.changed(null, true);
    if (event.type !== 'token_revoked' && event.type !== 'reauthorization_required') return;
    this.news.changed(event.recordId);
    this.#overWithTokens.add(event.recordId);
  }
}

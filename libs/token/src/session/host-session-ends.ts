import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import type { Clock } from '../common/clock.js';
import type { TokenEvents } from '../common/events.js';
import type { HostSessionRow, SessionRows } from '../store/session-rows.js';
import { Later } from './later.js';
import type { SealedText } from './sealed-text.js';
import type { SessionEnds } from './session-ends.js';
import { HOST_ID } from './session-store.js';
import type { HostSessions } from './session.options.js';

const RETRY_MS = 30_000;

/** Lets the application destroy its sessions that have ended here; every replica does, in case another one has died. */
export class HostSessionEnds implements OnModuleInit, OnModuleDestroy {
  readonly #ended: Later;
  #subscription: Subscription | null = null;
  #stopped = false;

  constructor(
    private readonly rows: SessionRows,
    private readonly sealed: SealedText,
    private readonly ends: SessionEnds,
    private readonly events: TokenEvents,
    private readonly clock: Clock,
    private readonly host: HostSessions | null,
  ) {
    this.#ended = new Later(clock, async (handles) => {
      for (const handle of handles) await this.#destroyAll(handle);
    });
  }

  onModuleInit(): void {
    if (this.host === null) return;
    this.#subscription = this.ends.stream.subscribe(({ handle }) => this.#ended.add(handle));
    void this.#keepUp();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopped = true;
    this.#subscription?.unsubscribe();
    await this.#ended.settled();
  }

  /** What is left over of a replica that has died, or of a store that was away. */
  async #keepUp(): Promise<void> {
    while (!this.#stopped) {
      await this.#destroyAll().catch(() => undefined);
      await this.clock.sleep(RETRY_MS, false);
    }
  }

  async #destroyAll(handle?: string): Promise<void> {
    for (const row of await this.rows.unreleased(handle)) await this.#destroy(row);
  }

  async #destroy({ handle, tenantId, hostCt }: HostSessionRow): Promise<void> {
    try {
      const id = await this.sealed.open(hostCt, { tenantId, recordId: handle, field: HOST_ID });
      if (id === null) return;
      await this.host!.destroy(id);
      await this.rows.release(handle);
    } catch (error) {
      // Without the message: it is the host's, and may hold the id.
      const reason = error instanceof Error ? error.name : typeof error;
      this.events.emit({ type: 'host_session_kept', recordId: handle, reason });
    }
  }
}

import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { TokenEvents } from '../common/events.js';
import { named } from './named-events.js';

/** As much of an event emitter as is needed: `EventEmitter2`, or the one of Node.js. */
export interface TokenEventEmitter {
  emit(name: string, payload: object): unknown;
  /** Preferred where there is one: it also brings back what asynchronous listeners reject with. */
  emitAsync?(name: string, payload: object): Promise<unknown>;
}

/** Hands the events of this library to an event emitter of the host. What listeners throw ends here, in the log. */
export class EventBridge implements OnApplicationShutdown {
  readonly #logger = new Logger('Tokenward');
  readonly #subscription;

  constructor(
    events: TokenEvents,
    private readonly emitter: TokenEventEmitter,
  ) {
    this.#subscription = events.stream.subscribe((event) => {
      const found = named(event);
      if (found !== null) this.hand(found[0], found[1]);
    });
  }

  /** Not before: exchanges in flight end during the shutdown, and may end a session. */
  onApplicationShutdown(): void {
    this.#subscription.unsubscribe();
  }

  private hand(name: string, payload: object): void {
    const { emitter } = this;
    try {
      if (emitter.emitAsync) emitter.emitAsync(name, payload).catch((error) => this.report(name, error));
      else emitter.emit(name, payload);
    } catch (error) {
      this.report(name, error);
    }
  }

  /** Without the message: it is the host's, and may hold anything. */
  private report(name: string, error: unknown): void {
    const kind = error instanceof Error ? error.name : typeof error;
    this.#logger.error(`a listener of ${name} has failed with ${kind}; nothing here depends on it`);
  }
}

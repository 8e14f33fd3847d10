import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { TokenEvents } from '../common/events.js';
import { Providers } from '../oauth/providers.js';
import { dispatcher } from './handlers.js';
import { issuedTokens } from './issued-tokens.js';
import { jobs } from './jobs.js';
import { keys } from './keys.js';
import { logIns } from './log-ins.js';
import { reencryption } from './reencryption.js';
import { refreshes } from './refreshes.js';
import { replica } from './replica.js';
import { revocations } from './revocations.js';
import { spool } from './spool.js';

/** Turns events into metrics. Labels are configured names and fixed words, never a user or a tenant. */
@Injectable()
export class TokenCollectors implements OnModuleDestroy {
  readonly #subscription;

  constructor(@Inject(TokenEvents) events: TokenEvents, @Inject(Providers) { names }: Providers) {
    const subjects = [
      refreshes(names),
      issuedTokens(),
      logIns(),
      revocations(names),
      keys(),
      reencryption(),
      spool(names),
      replica(),
      jobs(),
    ];
    this.#subscription = events.stream.subscribe(dispatcher(subjects));
  }

  onModuleDestroy(): void {
    this.#subscription.unsubscribe();
  }
}

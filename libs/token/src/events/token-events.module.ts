import { type DynamicModule, type InjectionToken, Module, type ModuleMetadata } from '@nestjs/common';
import { TokenEvents } from '../common/events.js';
import { EventBridge, type TokenEventEmitter } from './event-bridge.js';

/**
 * Hands events to an event emitter of the host, by name (`TOKEN_EVENT`). Needs `TokenModule` and the module that provides
 * the emitter: with `@nestjs/event-emitter` that is `EventEmitterModule.forRoot()` and the class `EventEmitter2`.
 */
@Module({})
export class TokenEventsModule {
  /** `emitter`: what it is injected by. `imports`: the module that provides it, where that is not global. */
  static forEmitter(
    emitter: InjectionToken<TokenEventEmitter>,
    { imports = [] }: Pick<ModuleMetadata, 'imports'> = {},
  ): DynamicModule {
    return {
      module: TokenEventsModule,
      imports,
      providers: [
        {
          provide: EventBridge,
          inject: [TokenEvents, emitter],
          useFactory: (events: TokenEvents, found: TokenEventEmitter) => new EventBridge(events, found),
        },
      ],
    };
  }
}

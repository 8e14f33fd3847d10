import { Injectable, Module } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { type NamedTokenEvents, TOKEN_EVENT, TokenEntity, TokenEventsModule } from '@tokenward/nestjs';
import type { Repository } from 'typeorm';

@Injectable()
export class LoginReminder {
  readonly toBeReminded = new Set<string>();

  constructor(@InjectRepository(TokenEntity) private readonly records: Repository<TokenEntity>) {}

  @OnEvent(TOKEN_EVENT.reauthorizationRequired)
  async remind({ recordId }: NamedTokenEvents[typeof TOKEN_EVENT.reauthorizationRequired]): Promise<void> {
    // Events name no user: whoever may know asks the table.
    const record = await this.records.findOneBy({ id: recordId });
    if (record) this.toBeReminded.add(record.userId);
  }
}

// Beside TokenModule, in the module that has it among its imports.
@Module({
  imports: [
    EventEmitterModule.forRoot(),
    TokenEventsModule.forEmitter(EventEmitter2),
    TypeOrmModule.forFeature([TokenEntity]),
  ],
  providers: [LoginReminder],
  exports: [LoginReminder],
})
export class ReminderModule {}

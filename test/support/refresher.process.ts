import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import {
  TokenEvents,
  TokenModule,
  type TokenModuleOptions,
  type TokenRef,
  TokenService,
} from '@tokenward/nestjs';
import { databaseModule } from './app.js';
import type { TestDatabase } from './database.js';

/** A replica in a process of its own that refreshes what it is told to, and shuts down on SIGTERM as a host's would. */
export interface Orders {
  database: TestDatabase['options'];
  options: TokenModuleOptions;
}

@Module({})
class Root {}

async function start({ database, options }: Orders): Promise<void> {
  const imports = [
    databaseModule({ options: database }, false),
    ScheduleModule.forRoot(),
    TokenModule.forRoot(options),
  ];
  const app = await NestFactory.createApplicationContext({ module: Root, imports }, { logger: false });
  app.enableShutdownHooks(['SIGTERM']);
  app.get(TokenEvents).stream.subscribe((event) => {
    if (event.type === 'answer_spooled') process.send!({ spooled: event.outcome });
  });
  process.on('message', ({ id, ref }: { id: number; ref: TokenRef }) => {
    app
      .get(TokenService)
      .refreshTokens(ref)
      .then(
        () => process.send!({ id, outcome: 'refreshed' }),
        (error: Error) => process.send!({ id, outcome: error.message }),
      );
  });
  process.send!('ready');
}

// Whoever has started this process is gone.
process.once('disconnect', () => process.exit());
process.once(
  'message',
  (orders: Orders) =>
    void start(orders).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    }),
);

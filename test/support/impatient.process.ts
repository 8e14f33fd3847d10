import 'reflect-metadata';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import {
  ProviderUnavailableError,
  TokenModule,
  type TokenModuleOptions,
  type TokenRef,
  TokenService,
} from '@tokenward/nestjs';
import { databaseModule } from './app.js';
import type { TestDatabase } from './database.js';

/** A replica in a process of its own: says `ready`, and then asks for every token again and again until it has it. */
export interface ImpatientOrders {
  database: TestDatabase['options'];
  options: TokenModuleOptions;
  refs: TokenRef[];
}

const PAUSE_MS = 25;

@Module({})
class Root {}

async function run({ database, options, refs }: ImpatientOrders): Promise<void> {
  const imports = [
    databaseModule({ options: database }, false),
    ScheduleModule.forRoot(),
    TokenModule.forRoot(options),
  ];
  const app = await NestFactory.createApplicationContext({ module: Root, imports }, { logger: false });
  const tokens = app.get(TokenService);
  process.send!('ready');
  await once(process, 'message');
  let refused = 0;
  const got = await Promise.all(
    refs.map(async (ref) => {
      for (;;) {
        try {
          return (await tokens.getAccessToken(ref)).value;
        } catch (error) {
          if (!(error instanceof ProviderUnavailableError)) return (error as Error).message;
          refused++;
          await setTimeout(PAUSE_MS);
        }
      }
    }),
  );
  await app.close();
  process.send!({ got, refused }, () => process.disconnect());
}

process.once('message', (orders: ImpatientOrders) => void run(orders));

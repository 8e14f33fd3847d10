import 'reflect-metadata';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import {
  TokenModule,
  TokenService,
  type TokenModuleOptions,
  type TokenRef,
  type TokenResponse,
} from '@tokenward/nestjs';
import { databaseModule } from './app.js';
import type { TestDatabase } from './database.js';

/** A replica in a process of its own: says `ready`, and on the next message stores a token and says how that went. */
interface Orders {
  database: TestDatabase['options'];
  options: TokenModuleOptions;
}

interface Work {
  ref: TokenRef;
  tokens: TokenResponse;
}

@Module({})
class Root {}

async function startReplica({ database, options }: Orders): Promise<void> {
  const imports = [
    databaseModule({ options: database }, false),
    ScheduleModule.forRoot(),
    TokenModule.forRoot(options),
  ];
  const app = await NestFactory.createApplicationContext({ module: Root, imports }, { logger: false });
  process.once('message', (work: Work) => void run(app, work));
  process.send!('ready');
}

async function run(app: INestApplicationContext, { ref, tokens }: Work): Promise<void> {
  const outcome = await app
    .get(TokenService)
    .storeTokens(ref, tokens)
    .then(
      () => 'stored',
      (error: Error) => error.message,
    );
  await app.close();
  process.send!(outcome, () => process.disconnect());
}

process.once(
  'message',
  (orders: Orders) =>
    void startReplica(orders).catch((e) => {
      console.error('CHILD', e);
      process.exit(1);
    }),
);

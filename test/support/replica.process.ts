import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TokenModule, TokenService, type TokenModuleOptions, type TokenRef, type TokenResponse } from '@tokenward/nestjs';
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

const tell = (message: unknown): void => void process.send!(message);

process.once('message', async ({ database, options }: Orders) => {
  const app = await NestFactory.createApplicationContext(
    { module: class Root {}, imports: [databaseModule({ options: database }, false), ScheduleModule.forRoot(), TokenModule.forRoot(options)] },
    { logger: false },
  );
  process.once('message', async ({ ref, tokens }: Work) => {
    const outcome = await app.get(TokenService).storeTokens(ref, tokens).then(
      () => 'stored',
      (error: { code?: string }) => error.code ?? String(error),
    );
    await app.close();
    process.send!(outcome, () => process.disconnect());
  });
  tell('ready');
});

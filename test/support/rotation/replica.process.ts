import 'reflect-metadata';
import { setTimeout } from 'node:timers/promises';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  KeyService,
  tokenEntities,
  TokenEvents,
  TokenMaintenance,
  TokenModule,
  type TokenModuleOptions,
  type TokenRef,
  type TokenResponse,
  TokenService,
} from '@tokenward/nestjs';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { type ActiveKeys, letLag } from './lagging.js';
import { dieAtWrite } from './death.js';

/** A replica in a process of its own: it waits for its orders, says that it is ready, and does what it is asked. */
export interface Orders {
  database: DataSourceOptions;
  options: TokenModuleOptions;
  /** For a replica whose key cache is to be stale: the active keys as it is to know them. */
  believes?: ActiveKeys;
}

const JOB_PAUSE_MS = 100;
const FAILED_PAUSE_MS = 1_000;
const REPORTED = new Set([
  'write_fenced',
  'row_quarantined',
  'decryption_failed',
  'encryption_failed',
  'job_run',
]);

@Module({})
class Root {}

async function start({ database, options, believes }: Orders): Promise<void> {
  const imports = [
    TypeOrmModule.forRoot({ ...database, entities: [...tokenEntities], retryAttempts: 0 }),
    ScheduleModule.forRoot(),
    TokenModule.forRoot(options),
  ];
  const app = await NestFactory.createApplicationContext({ module: Root, imports }, { logger: false });
  if (believes) letLag(app.get(DataSource), believes);
  app.get(TokenEvents).stream.subscribe((event) => {
    if (!REPORTED.has(event.type) || (event.type === 'job_run' && event.outcome === 'succeeded')) return;
    process.send!({ event });
  });
  serve(methodsOf(app));
}

export type Methods = ReturnType<typeof methodsOf>;

function methodsOf(app: INestApplicationContext) {
  const tokens = app.get(TokenService);
  const keys = app.get(KeyService);
  const maintenance = app.get(TokenMaintenance);
  return {
    read: async (ref: TokenRef) => (await tokens.getAccessToken(ref)).value,
    refresh: async (ref: TokenRef) => (await tokens.refreshTokens(ref)).value,
    revoke: (ref: TokenRef) => tokens.revokeTokens(ref),
    store: async (ref: TokenRef, response: TokenResponse) => {
      await tokens.storeTokens(ref, response);
    },
    open: async (refs: TokenRef[]) =>
      Promise.all(
        refs.map(async (ref) => {
          const found = await tokens.getTokens(ref).catch((error: Error) => error.message);
          if (found === null || typeof found === 'string') return { fault: found ?? 'nothing is stored' };
          return { access: found.accessToken.value, refresh: found.refreshToken?.value ?? null };
        }),
      ),
    rotate: () => keys.rotate(),
    retire: (keyId: string) => keys.retire(keyId),
    reencrypt: () => maintenance.reencrypt(),
    /** From now on as the scheduler would, but without a minute's pause. A failure is reported as an event. */
    reencryptForEver: async () => {
      void (async () => {
        for (;;) {
          const done = await maintenance.reencrypt().then(
            () => true,
            () => false,
          );
          await setTimeout(done ? JOB_PAUSE_MS : FAILED_PAUSE_MS);
        }
      })();
    },
    /** The next calls run until the write with this number, counted from 0, is about to be sent. */
    dieAtWrite: async (number: number) => dieAtWrite(app.get(DataSource), number),
    close: async () => {
      await app.close();
      setImmediate(() => process.disconnect());
    },
  };
}

function serve(methods: Methods): void {
  process.on('message', ({ id, method, args }: { id: number; method: keyof Methods; args: unknown[] }) => {
    const call = methods[method] as (...args: unknown[]) => Promise<unknown>;
    call(...args).then(
      (value) => process.send!({ id, value }),
      ({ message, code }: Error & { code?: string }) => process.send!({ id, fault: { message, code } }),
    );
  });
  process.send!({ ready: true });
}

// Whoever has started this process is gone.
process.once('disconnect', () => process.exit());
process.once('message', (orders: Orders) => void start(orders));

import 'reflect-metadata';
import { setImmediate } from 'node:timers/promises';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  tokenEntities,
  TokenEvents,
  TokenModule,
  type TokenModuleOptions,
  type TokenRef,
  TokenService,
} from '@tokenward/nestjs';
import { SessionModule, SessionService } from '@tokenward/nestjs/session';
import type { DataSourceOptions } from 'typeorm';

/** A replica in a process of its own that asks for sessions again and again. */
export interface SessionOrders {
  database: DataSourceOptions;
  options: TokenModuleOptions;
}

/** Of a session that has gone. */
export interface Sighting {
  /** Whether it was there once more after that. */
  cameBack: boolean;
}

@Module({})
class Root {}

async function start({ database, options }: SessionOrders): Promise<void> {
  const imports = [
    TypeOrmModule.forRoot({ ...database, entities: [...tokenEntities], retryAttempts: 0 }),
    ScheduleModule.forRoot(),
    TokenModule.forRoot(options),
    SessionModule.forRoot(),
  ];
  const app = await NestFactory.createApplicationContext({ module: Root, imports }, { logger: false });
  serve(methodsOf(app));
}

export type SessionMethods = ReturnType<typeof methodsOf>;

function methodsOf(app: INestApplicationContext) {
  const sessions = app.get(SessionService);
  const isThere = async (cookie: string): Promise<boolean> =>
    (await sessions.current({ headers: { cookie } })) !== null;
  const ended: string[] = [];
  return {
    isThere,
    /** Asks without a pause until the session is gone, and then for as long again as it takes others to answer. */
    watch: async (cookie: string): Promise<Sighting> => {
      while (await isThere(cookie)) await setImmediate();
      let cameBack = false;
      for (let more = 0; more < 200; more++) cameBack ||= await isThere(cookie);
      return { cameBack };
    },
    listen: async () => {
      sessions.ended.subscribe(({ handle }) => ended.push(handle));
    },
    heard: async () => ended,
    endAll: (userId: string) => sessions.endAll({ userId }),
    /** Dies as soon as it knows that only a new log-in helps. */
    refreshAndDie: async (ref: TokenRef) => {
      app.get(TokenEvents).stream.subscribe(({ type }) => {
        if (type === 'reauthorization_required') process.kill(process.pid, 'SIGKILL');
      });
      await app.get(TokenService).refreshTokens(ref);
    },
    revoke: (ref: TokenRef) => app.get(TokenService).revokeTokens(ref),
    close: async () => {
      await app.close();
      void setImmediate().then(() => process.disconnect());
    },
  };
}

function serve(methods: SessionMethods): void {
  process.on(
    'message',
    ({ id, method, args }: { id: number; method: keyof SessionMethods; args: unknown[] }) => {
      const call = methods[method] as (...args: unknown[]) => Promise<unknown>;
      call(...args).then(
        (value) => process.send!({ id, value }),
        ({ message, code }: Error & { code?: string }) => process.send!({ id, fault: { message, code } }),
      );
    },
  );
  process.send!({ ready: true });
}

// Whoever has started this process is gone.
process.once('disconnect', () => process.exit());
process.once('message', (orders: SessionOrders) => void start(orders));

import 'reflect-metadata';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  tokenEntities,
  type TokenEvent,
  TokenEvents,
  TokenHttpService,
  TokenMaintenance,
  TokenModule,
  type TokenModuleOptions,
  type TokenRef,
  type TokenResponse,
  TokenService,
} from '@tokenward/nestjs';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { monotonicMs, times } from './measure.js';
import { setTimeOfDay } from './time-of-day.js';
import { Queries } from './queries.js';
import { block, type Step, type Trap, Traps } from './traps.js';
import { pause } from './wait.js';

/** A process that is a replica from its orders on, and after `end` waits for the next ones. */
export interface Orders {
  database: DataSourceOptions;
  options: TokenModuleOptions;
  /** How far its time of day is ahead of the others'. */
  clockAheadMs?: number;
  timeZone?: string;
}

/** `at` is `monotonicMs`. */
export type Report =
  { type: 'refresh'; outcome: string; recordId: string; at: number } | { type: 'step'; step: Step };

@Module({})
class Root {}

let app: INestApplicationContext | null = null;
let methods: Methods;

async function start({ database, options, clockAheadMs, timeZone }: Orders): Promise<void> {
  setTimeOfDay(clockAheadMs, timeZone);
  const imports = [
    TypeOrmModule.forRoot({ ...database, entities: [...tokenEntities], retryAttempts: 0 }),
    ScheduleModule.forRoot(),
    TokenModule.forRoot(options),
  ];
  app = await NestFactory.createApplicationContext({ module: Root, imports }, { logger: false });
  app.enableShutdownHooks(['SIGTERM']);
  app.get(TokenEvents).stream.subscribe((event) => report(event));
  methods = methodsOf(app);
  process.send!({ ready: true });
}

function report(event: TokenEvent): void {
  if (event.type !== 'refresh' || !process.connected) return;
  const { outcome, recordId } = event;
  process.send!({ event: { type: 'refresh', outcome, recordId, at: monotonicMs() } satisfies Report });
}

/** Resolves when the message has left: the next thing may be the end of this process. */
const tell = (step: Step): Promise<void> =>
  new Promise((resolve) => {
    process.send!({ event: { type: 'step', step } satisfies Report }, () => resolve());
  });

export type Methods = ReturnType<typeof methodsOf>;

function methodsOf(context: INestApplicationContext) {
  const tokens = context.get(TokenService);
  const http = context.get(TokenHttpService);
  const dataSource = context.get(DataSource);
  const traps = new Traps(dataSource, tell);
  const faults = new DatabaseFaults(dataSource);
  let queries: Queries | null = null;

  return {
    refresh: async (ref: TokenRef) => (await tokens.refreshTokens(ref)).value,
    /** What is held after a restore; how many. */
    release: () => context.get(TokenMaintenance).releaseHeld(),
    get: async (ref: TokenRef) => (await tokens.getAccessToken(ref)).value,
    /** Expiry as the library tells it, in epoch milliseconds; null where none is known. */
    expiry: async (ref: TokenRef) => (await tokens.getAccessToken(ref)).expiresAt?.getTime() ?? null,
    store: async (logins: { ref: TokenRef; tokens: TokenResponse }[]) => {
      for (const login of logins) await tokens.storeTokens(login.ref, login.tokens);
    },
    open: async (refs: TokenRef[]) =>
      Promise.all(
        refs.map(async (ref) => {
          const found = await tokens.getTokens(ref).catch((error: Error) => error.message);
          if (found === null || typeof found === 'string') return { fault: found ?? 'nothing is stored' };
          return { access: found.accessToken.value, refresh: found.refreshToken?.value ?? null };
        }),
      ),
    revoke: (ref: TokenRef) => tokens.revokeTokens(ref),
    /** So many calls at once, in turn for each of these users. */
    storm: async (refs: TokenRef[], calls: number) => {
      const milliseconds: number[] = [];
      const failures: string[] = [];
      const seen = new Map(refs.map((ref) => [ref.userId, new Set<string>()]));
      const call = async (ref: TokenRef): Promise<void> => {
        const begun = performance.now();
        try {
          seen.get(ref.userId)!.add((await tokens.getAccessToken(ref)).value);
        } catch (error) {
          failures.push((error as Error).message);
        }
        milliseconds.push(performance.now() - begun);
      };
      await Promise.all(times(calls, (index) => call(refs[index % refs.length]!)));
      return {
        milliseconds,
        failures,
        seen: [...seen].map(([userId, values]) => ({ userId, values: [...values] })),
      };
    },
    /** So many callers who want a newer token, each of whom loses patience at some time within `withinMs`. */
    abort: async (ref: TokenRef, callers: number, withinMs: number) => {
      const tally = { aborted: 0, answered: 0, failures: [] as string[] };
      const call = async (): Promise<void> => {
        const caller = new AbortController();
        void pause(Math.random() * withinMs).then(() => caller.abort());
        try {
          await tokens.getAccessToken(ref, { forceRefresh: true, signal: caller.signal });
          tally.answered++;
        } catch (error) {
          if (caller.signal.aborted) tally.aborted++;
          else tally.failures.push((error as Error).message);
        }
      };
      await Promise.all(times(callers, call));
      return tally;
    },
    /** So many requests to an API at once: how many were answered with each status. */
    request: async (ref: TokenRef, url: string, count: number) => {
      const statuses: Record<string, number> = {};
      const send = async (): Promise<void> => {
        const status = await firstValueFrom(http.as(ref).get(url)).then(
          (response) => String(response.status),
          (error: Error & { status?: number }) => String(error.status ?? error.message),
        );
        statuses[status] = (statuses[status] ?? 0) + 1;
      };
      await Promise.all(times(count, send));
      return statuses;
    },
    exchange: (calls: { ref: TokenRef; audience: string; scope: string }[]) =>
      Promise.all(calls.map(async ({ ref, ...options }) => (await tokens.exchangeToken(ref, options)).value)),
    /** The next refresh gets so far. */
    trap: async (trap: Trap) => traps.lay(trap),
    block: async (milliseconds: number) => block(milliseconds),
    /** From now on this share of the statements fails. */
    failStatements: async (share: number) => faults.failAtRandom(share),
    /** From now on somebody else's query now and then, through the same pool. */
    query: async (everyMs: number) => {
      queries = new Queries(dataSource, everyMs);
    },
    /** How long each of these queries has taken. */
    queried: async () => (await queries?.end()) ?? [],
    /** From now on it is no replica. */
    end: async () => {
      app = null;
      await context.close();
    },
    close: async () => {
      await app?.close();
      setImmediate(() => process.disconnect());
    },
  };
}

type Message = Orders | { id: number; method: keyof Methods; args: unknown[] };

function obey(message: Message): void {
  if (!('id' in message)) {
    void start(message);
    return;
  }
  const { id, method, args } = message;
  const call = methods[method] as (...args: unknown[]) => Promise<unknown>;
  const answer = (result: object): void => {
    if (process.connected) process.send!({ id, ...result });
  };
  call(...args).then(
    (value) => answer({ value }),
    ({ message: text, code }: Error & { code?: string }) => answer({ fault: { message: text, code } }),
  );
}

// Whoever has started this process is gone.
process.once('disconnect', () => process.exit());
process.on('message', (message: Message) => obey(message));

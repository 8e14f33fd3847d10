import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startProvidedApp } from '../test/support/provided-app.js';
import { Visitor } from '../test/support/visitor.js';
import { KeepAliveClient } from './keep-alive-client.js';
import type { Suite } from './suite.js';

const CALLERS = 48;

/** The reference app's proxy with its session and a cached token, against the same proxy without either; client, API and apps are processes of their own. */
export async function bffSuites(): Promise<{ suites: Suite[]; stop: () => Promise<void> }> {
  const api = await startProcess('bff-api.process.ts');
  const bare = await startProcess('bff-bare.process.ts', api.url);
  const { app, stop } = await startProvidedApp({ accessTokenTtlSeconds: 3600 }, (entry) => ({
    test: { ...entry, api: { baseUrl: api.url, calls: ['GET /me'] } },
  }));
  const visitor = new Visitor();
  await visitor.logIn(app.url);
  const session = { cookie: visitor.cookieFor(app.url), 'x-tokenward-csrf': '1' };
  const withToken = new KeepAliveClient(new URL(`${app.url}/api/test/me`), session);
  const without = new KeepAliveClient(new URL(`${bare.url}/api/test/me`));
  const suites: Suite[] = [
    {
      id: 'BFF',
      what: `proxied calls, ${CALLERS} connections (requests/s)`,
      target: 0.7,
      callers: CALLERS,
      ours: { name: 'session, guards and token', pid: app.pid, run: () => withToken.get() },
      against: { name: 'the same proxy without', pid: bare.pid, run: () => without.get() },
    },
  ];
  return {
    suites,
    stop: async () => {
      withToken.close();
      without.close();
      await stop();
      bare.end();
      api.end();
    },
  };
}

interface Started {
  url: string;
  pid: number;
  end: () => void;
}

/** A process that tells its address, and ends when this one lets go of it. */
async function startProcess(file: string, orders?: string): Promise<Started> {
  const child: ChildProcess = fork(fileURLToPath(new URL(file, import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  if (orders !== undefined) child.send(orders);
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${file} has ended, see its output`);
  });
  ended.catch(() => undefined);
  const [url] = (await Promise.race([once(child, 'message'), ended])) as [string];
  return { url, pid: child.pid!, end: () => child.disconnect() };
}

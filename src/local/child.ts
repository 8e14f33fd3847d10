import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApi } from './api.js';
import type {
  LocalAddresses,
  LocalChildMessage,
  LocalChildSetup,
  LocalOutage,
  LocalProviderSetup,
} from './local.messages.js';
import { Outage } from './outage.js';
import { createProvider } from './provider.js';

/*
 * The process beside the app in local mode: OpenID providers, each with a protected API. It ends with its parent, however
 * that one ends, because the channel between them closes then.
 */
process.once('disconnect', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
process.once('message', (setup) => {
  process.on('message', (outage) => fail(outage as LocalOutage));
  void start(setup as LocalChildSetup).then(report, giveUp);
});

const outages = new Map<string, Outage>();

async function start(setup: LocalChildSetup): Promise<LocalChildMessage> {
  const started = Object.entries(setup).map(
    async ([name, one]) => [name, await startOne(name, one)] as const,
  );
  return { type: 'ready', addresses: Object.fromEntries(await Promise.all(started)) };
}

async function startOne(
  name: string,
  { provider: setup, providerPort, apiPort }: LocalProviderSetup,
): Promise<LocalAddresses> {
  const server = createServer();
  const issuer = `http://localhost:${await listen(server, providerPort, 'LOCAL_PROVIDER_PORT')}`;
  const outage = new Outage('/token');
  outages.set(name, outage);
  const provider = await createProvider(issuer, setup);
  provider.use(outage.middleware);
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  const apiOrigin = `http://localhost:${await listen(createApi(issuer, setup.api), apiPort, 'LOCAL_API_PORT')}`;
  return { issuer, apiOrigin };
}

async function listen(server: Server, port: number, variable: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${cause.code})`;
      reject(new Error(`port ${port} ${reason}; set ${variable} to another one, or to 0 for any free one`));
    });
    server.listen(port, 'localhost', resolve);
  });
  return (server.address() as AddressInfo).port;
}

function fail({ provider, seconds }: LocalOutage): void {
  outages.get(provider)?.last(seconds);
}

function report(message: LocalChildMessage): void {
  process.send?.(message);
}

function giveUp(error: Error): void {
  process.send?.({ type: 'failed', reason: error.message } satisfies LocalChildMessage, () =>
    process.exit(1),
  );
}

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApi } from './api.js';
import type { LocalChildMessage, LocalChildSetup } from './local.messages.js';
import { createProvider } from './provider.js';

/*
 * The process beside the app in local mode: an OpenID provider and a protected API. It ends with its parent, however
 * that one ends, because the channel between them closes then.
 */
process.once('disconnect', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
process.once('message', (setup) => void start(setup as LocalChildSetup).then(report, fail));

async function start({
  provider: setup,
  providerPort,
  apiPort,
}: LocalChildSetup): Promise<LocalChildMessage> {
  const server = createServer();
  const issuer = `http://localhost:${await listen(server, providerPort, 'LOCAL_PROVIDER_PORT')}`;
  const provider = await createProvider(issuer, setup);
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  const apiOrigin = `http://localhost:${await listen(createApi(issuer, setup.api), apiPort, 'LOCAL_API_PORT')}`;
  return { type: 'ready', issuer, apiOrigin };
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

function report(message: LocalChildMessage): void {
  process.send?.(message);
}

function fail(error: Error): void {
  process.send?.({ type: 'failed', reason: error.message } satisfies LocalChildMessage, () =>
    process.exit(1),
  );
}

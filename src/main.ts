import { banner } from './banner.js';
import { readConfig } from './config/config.js';
import { explain } from './explain.js';
import { LocalServices } from './local/local.services.js';

interface Running {
  close(): Promise<void>;
}

/** What has to be ended with this process, the last started first. */
const running: Running[] = [];

async function start(): Promise<void> {
  const config = readConfig();
  const local = config.providers === null ? new LocalServices(config.local) : null;
  if (local) running.push(local);
  // Loaded while the local provider starts beside it.
  const { startApp } = await import('./app.js');
  const providers = config.providers ?? (await local!.providers);
  const app = await startApp(config, providers, local);
  running.unshift(app);
  if (!config.production) console.log(banner(config, providers, app.url));
}

async function stop(): Promise<void> {
  for (const part of running.splice(0)) await part.close();
}

let stopping = false;

/** Ends everything in order; who asks a second time does not want to wait. */
function onSignal(): void {
  if (stopping) process.exit(1);
  stopping = true;
  stop().then(
    () => process.exit(0),
    (error: unknown) => fail(error),
  );
}

function fail(error: unknown): void {
  console.error(explain(error));
  process.exit(1);
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
start().catch(async (error: unknown) => {
  if (stopping) return;
  await stop().catch(() => undefined);
  fail(error);
});

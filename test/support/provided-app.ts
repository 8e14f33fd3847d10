import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProvider, type TestProvider, type TestProviderOptions } from './provider.js';
import { ReferenceApp } from './reference-app.js';

type ProviderEntry = Record<string, unknown>;

export interface ProvidedApp {
  app: ReferenceApp;
  provider: TestProvider;
  stop: () => Promise<void>;
}

/** The app with a providers file that names the test provider `test`, as someone with a provider of their own runs it. */
export async function startProvidedApp(
  options: TestProviderOptions = {},
  providersOf: (entry: ProviderEntry) => Record<string, ProviderEntry> = (entry) => ({ test: entry }),
  environment: Record<string, string> = {},
): Promise<ProvidedApp> {
  const provider = await startProvider(options);
  const directory = await mkdtemp(join(tmpdir(), 'tokenward-app-'));
  const file = join(directory, 'providers.json');
  const { issuer, clientId, clientSecret, apiOrigin } = provider;
  const entry = {
    label: 'the test provider',
    api: { baseUrl: apiOrigin, calls: ['GET /me', 'GET /elsewhere/*'] },
    issuer,
    clientId,
    clientSecret,
    scope: 'openid profile api offline_access',
    allowInsecureRequests: true,
  };
  await writeFile(file, JSON.stringify(providersOf(entry)));
  const app = await ReferenceApp.start({ PROVIDERS_FILE: file, ...environment }, directory);
  return { app, provider, stop: async () => void (await Promise.all([app.remove(), provider.stop()])) };
}

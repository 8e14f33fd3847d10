import './quiet.js';
import Provider from 'oidc-provider';
import { loginRoutes } from './login.js';
import { providerConfiguration } from './provider.configuration.js';
import type { ProviderSetup } from './provider.options.js';
import { inTurn } from './in-turn.js';

/** An OpenID provider in this process, to be served by the caller at its issuer's address. */
export async function createProvider(issuer: string, setup: ProviderSetup): Promise<Provider> {
  const provider = new Provider(issuer, await providerConfiguration(setup));
  provider.use(loginRoutes(provider));
  provider.use(inTurn('/token'));
  return provider;
}

import './quiet.js';
import Provider, { type Configuration } from 'oidc-provider';
import { loginRoutes } from './login.js';
import { providerConfiguration } from './provider.configuration.js';
import type { ProviderSetup } from './provider.options.js';
import { inTurn } from './in-turn.js';

/** An OpenID provider in this process, to be served by the caller at its issuer's address. `adapt` is for what a test adds. */
export async function createProvider(
  issuer: string,
  setup: ProviderSetup,
  adapt: (configuration: Configuration) => Configuration = (configuration) => configuration,
): Promise<Provider> {
  const provider = new Provider(issuer, adapt(await providerConfiguration(setup)));
  provider.use(loginRoutes(provider));
  provider.use(inTurn('/token'));
  return provider;
}

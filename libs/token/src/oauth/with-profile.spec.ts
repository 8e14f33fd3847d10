import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ProviderProfileName, providerProfiles } from './provider-profiles.js';
import type { ProviderProfile } from './provider.profile.js';
import { Provider } from './providers.js';
import { withProfile } from './with-profile.js';

const github = { profile: 'github', clientId: 'app', clientSecret: 'hush' } as const;

describe('What a profile knows', () => {
  it('is filled in', () => {
    expect(withProfile(github)).toMatchObject({
      tokenEndpoint: 'https://github.com/login/oauth/access_token',
      clientAuthentication: 'client_secret_post',
    });
    expect(withProfile({ profile: 'atlassian', clientId: 'app' })).toMatchObject({ reuseGraceSeconds: 600 });
  });

  it('gives way to an option, also to one that says nothing is known', () => {
    const options = { profile: 'gitlab', reuseGraceSeconds: 5, defaultLifetimeSeconds: null };
    expect(withProfile(options)).toMatchObject(options);
    expect(withProfile({ ...github, clientAuthentication: 'client_secret_basic' })).toMatchObject({
      clientAuthentication: 'client_secret_basic',
    });
  });

  it('does not give way to an option that is undefined', () => {
    expect(withProfile({ ...github, tokenEndpoint: undefined })).toMatchObject({
      tokenEndpoint: 'https://github.com/login/oauth/access_token',
    });
  });

  it.each([{ issuer: 'https://id.example.com' }, { tokenEndpoint: 'https://id.example.com/token' }])(
    'of its endpoints is not mixed with %j',
    (own) => {
      const options = withProfile({ ...github, profile: 'salesforce', ...own });
      const profile = providerProfiles.salesforce;
      expect(Object.values(options)).not.toContain(profile.tokenEndpoint);
      expect(Object.values(options)).not.toContain(profile.revocationEndpoint);
    },
  );

  it('of a client secret is left out where there is none', () => {
    expect(withProfile({ profile: 'github', clientId: 'app' })).not.toHaveProperty('clientAuthentication');
  });

  it('shows at the provider', () => {
    const named = (profile: ProviderProfileName) => new Provider('acme', { ...github, profile }, 30);
    expect(named('xero').options.idleExpirySeconds).toBe(60 * 24 * 3600);
    expect(named('keycloak').options.idleExpirySeconds).toBeUndefined();
    expect(named('hydra').options.reuseGraceSeconds).toBe(0);
  });
});

const host = (url: string): string => new URL(url).host;

/** The row of a profile in docs/providers.md. */
function row(name: string, profile: ProviderProfile): string {
  const days = (seconds: number): string => `${seconds / 24 / 3600} days`;
  const says = <T>(value: T | undefined, text: (known: T) => string): string =>
    value === undefined ? '' : text(value);
  const peculiar = [
    ...(profile.scopeDelimiter ? ['commas between scopes'] : []),
    ...(profile.formEncodedAnswers ? ['forms'] : []),
    ...(profile.bearerTokenTypes ? [`\`token_type\` ${profile.bearerTokenTypes.join(', ')}`] : []),
    ...(profile.nestedIn ? [`nested in \`${profile.nestedIn}\``] : []),
    ...Object.entries(profile.errorCodes ?? {}).map(([code, meaning]) => `\`${code}\`: \`${meaning}\``),
    ...(profile.defaultLifetimeSeconds ? [`lives ${profile.defaultLifetimeSeconds} s`] : []),
  ];
  const endpoint = profile.issuer ?? profile.tokenEndpoint;
  return [
    `[\`${name}\`](${profile.source})`,
    endpoint ? host(endpoint) : 'yours',
    says(profile.clientAuthentication, (method) => `\`${method}\``),
    says(profile.rotatesRefreshTokens, (once) => (once ? 'yes' : 'no')),
    says(profile.reuseGraceSeconds, (seconds) => `${seconds} s`),
    says(profile.idleExpirySeconds, days),
    peculiar.join('; '),
  ].join(' | ');
}

describe('docs/providers.md', () => {
  const document = readFileSync(new URL('../../../../docs/providers.md', import.meta.url), 'utf8');
  const rows = document
    .split('\n')
    .filter((line) => line.startsWith('| [`'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim())
        .join(' | '),
    );

  it('shows every profile as it is, and no other', () => {
    const expected = Object.entries(providerProfiles).map(([name, profile]) => row(name, profile));
    expect(rows.toSorted()).toEqual(expected.toSorted());
  });

  it('repeats the note of every profile', () => {
    const prose = document.replaceAll(/\s+/g, ' ');
    const missing = Object.entries(providerProfiles).filter(
      ([name, { note }]) => note !== undefined && !prose.includes(`\`${name}\`: ${note}`),
    );
    expect(missing).toEqual([]);
  });
});

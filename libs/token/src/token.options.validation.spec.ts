import { describe, expect, it } from 'vitest';
import { TokenConfigurationError } from './common/errors.js';
import { randomBytes } from './crypto/random.js';
import type { TokenModuleOptions } from './token.options.js';
import { resolveOptions } from './token.options.validation.js';

const good = (): TokenModuleOptions => ({
  providers: { acme: { issuer: 'https://id.example.com', clientId: 'app', clientSecret: 'hush' } },
  encryption: { keyring: `1:${randomBytes(32).toString('base64')}` },
});

function problemsOf(options: unknown): string[] {
  try {
    resolveOptions(options as TokenModuleOptions);
    return [];
  } catch (error) {
    if (!(error instanceof TokenConfigurationError)) throw error;
    return [...error.problems];
  }
}

const acme = (provider: object): unknown => ({
  ...good(),
  providers: { acme: { clientId: 'app', issuer: 'https://id.example.com', ...provider } },
});

describe('options', () => {
  it('that are right get their defaults', () => {
    expect(resolveOptions(good())).toMatchObject({
      refresh: { beforeExpirySeconds: 60, timeoutSeconds: 30, cooldownSeconds: 10 },
      ahead: { batchSize: 100 },
      cleanup: { retentionDays: 30 },
      cacheEntries: 10_000,
    });
  });

  it('that are undefined get their defaults, too', () => {
    const nothing = { cron: undefined, batchSize: undefined, retentionDays: undefined } as never;
    const { retentionDays: _, ...ahead } = nothing as Record<string, undefined>;
    const resolved = resolveOptions({
      ...good(),
      cleanup: nothing,
      refresh: { ahead: ahead as never, timeoutSeconds: undefined as never },
    });
    expect(resolved).toMatchObject({
      ahead: { batchSize: 100 },
      cleanup: { retentionDays: 30, batchSize: 1000 },
      rotation: { dataKeyMaxAgeDays: 90, batchSize: 50, destroyAfterDays: 90 },
      refresh: { timeoutSeconds: 30 },
    });
  });

  it('may be switched off or set one by one', () => {
    const resolved = resolveOptions({
      ...good(),
      cleanup: false,
      rotation: false,
      cache: false,
      refresh: { ahead: false, timeoutSeconds: 3 },
    });
    expect(resolved).toMatchObject({
      ahead: false,
      cleanup: false,
      rotation: false,
      cacheEntries: false,
      refresh: { timeoutSeconds: 3, beforeExpirySeconds: 60 },
    });
  });

  it.each([
    ['undefined', undefined, /providers: .*/],
    ['no provider', { ...good(), providers: {} }, /TokenModule providers: must name at least one provider/],
    [
      'an upper-case provider name',
      { ...good(), providers: { Acme: good().providers['acme'] } },
      /providers\.Acme: name must be lower-case/,
    ],
    [
      'a provider without any endpoint',
      { ...good(), providers: { acme: { clientId: 'app' } } },
      /providers\.acme: has neither "issuer" nor "tokenEndpoint"/,
    ],
    [
      'an http issuer',
      acme({ issuer: 'http://id.example.com' }),
      /providers\.acme\.issuer: must begin with https: .*allowInsecureRequests/,
    ],
    [
      'an issuer that is no URL',
      acme({ issuer: 'id.example.com' }),
      /providers\.acme\.issuer: must be an absolute URL/,
    ],
    [
      'an http token endpoint',
      acme({ tokenEndpoint: 'http://x.example' }),
      /providers\.acme\.tokenEndpoint: must begin with https/,
    ],
    [
      'an API origin with a path',
      acme({ apiOrigins: ['https://api.example.com/v1'] }),
      /apiOrigins\.0: .*write "https:\/\/api\.example\.com"/,
    ],
    [
      'an http API origin',
      acme({ apiOrigins: ['http://api.example.com'] }),
      /apiOrigins\.0: must begin with https/,
    ],
    ['no client id', acme({ clientId: '' }), /providers\.acme\.clientId: must be the client id/],
    ['an empty client secret', acme({ clientSecret: '' }), /providers\.acme\.clientSecret/],
    [
      'an authentication that needs a secret',
      acme({ clientAuthentication: 'client_secret_post' }),
      /clientSecret: is needed for client_secret_post/,
    ],
    [
      'a secret that is never used',
      acme({ clientAuthentication: 'none', clientSecret: 'x' }),
      /clientAuthentication: is "none" although/,
    ],
    ['a misspelt option', { ...good(), clean_up: false }, /TokenModule clean_up: is not an option/],
    ['a misspelt provider option', acme({ clientID: 'x' }), /providers\.acme\.clientID: is not an option/],
    ['an empty keyring', { ...good(), encryption: { keyring: '' } }, /encryption\.keyring: holds no key/],
    [
      'a keyring file that is not there',
      { ...good(), encryption: { keyring: { file: '/nowhere' } } },
      /encryption\.keyring: file \/nowhere cannot be read/,
    ],
    [
      'a keyring of the wrong kind',
      { ...good(), encryption: { keyring: 5 } },
      /encryption\.keyring: must be "id:base64/,
    ],
    ['no key at all', { ...good(), encryption: {} }, /encryption: needs either "keyring" or "wrapper"/],
    [
      'something that only looks like a wrapper',
      { ...good(), encryption: { wrapper: {} } },
      /encryption\.wrapper: must be an instance/,
    ],
    [
      'a bad cron expression',
      { ...good(), cleanup: { cron: 'daily' } },
      /cleanup\.cron: is not a cron expression/,
    ],
    [
      'a time-out of nothing',
      { ...good(), refresh: { timeoutSeconds: 0 } },
      /refresh\.timeoutSeconds: must be at least 1/,
    ],
    [
      'a shutdown without time',
      { ...good(), refresh: { shutdownSeconds: 0 } },
      /refresh\.shutdownSeconds: must be at least 1/,
    ],
    [
      'a spool directory that is none',
      { ...good(), refresh: { spoolDirectory: '/dev/null/spool' } },
      /refresh\.spoolDirectory: \/dev\/null\/spool cannot be created \(ENOTDIR\)/,
    ],
    [
      'a negative retention',
      { ...good(), cleanup: { retentionDays: -1 } },
      /cleanup\.retentionDays: must be 0 or more/,
    ],
    [
      'a principal that is no function',
      { ...good(), principal: 'req.user' },
      /principal: must be a function/,
    ],
    [
      'rotation every zero days',
      { ...good(), rotation: { dataKeyMaxAgeDays: 0 } },
      /rotation\.dataKeyMaxAgeDays: must be at least 1/,
    ],
    [
      'a rotation at no time',
      { ...good(), rotation: { cron: 'daily' } },
      /rotation\.cron: is not a cron expression/,
    ],
  ])('with %s are refused with the path and what to write instead', (_name, options, expected) => {
    expect(problemsOf(options).join('\n')).toMatch(expected);
  });

  it('with many faults are refused with all of them at once', () => {
    const problems = problemsOf({
      providers: { acme: { issuer: 'http://x', clientId: '' } },
      encryption: { keyring: '1:abc' },
      cleanup: { cron: 'x' },
      nonsense: 1,
    });
    expect(problems.length).toBeGreaterThanOrEqual(5);
  });

  it('are never repeated by the error: they hold secrets', () => {
    const problems = problemsOf({
      ...(acme({ clientSecret: 5, scope: { hush: 'sEcReT' } }) as object),
      encryption: { keyring: '1:sEcReT' },
    });
    expect(problems.join('\n')).not.toContain('sEcReT');
  });
});

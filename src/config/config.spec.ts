import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './config.js';
import { ConfigurationError } from './configuration.error.js';

describe('the configuration', () => {
  let directory: string;
  const read = (environment: Record<string, string> = {}) =>
    readConfig({ DATA_DIRECTORY: directory, ...environment });
  const faultsOf = (environment: Record<string, string>): readonly string[] => {
    try {
      read(environment);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.faults;
      throw error;
    }
    return [];
  };
  const file = (content: string): string => {
    const path = join(directory, 'providers.json');
    writeFileSync(path, content);
    return path;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tokenward-config-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('needs nothing to be set', () => {
    expect(read()).toMatchObject({
      production: false,
      host: 'localhost',
      port: 3000,
      providers: null,
      database: { type: 'better-sqlite3', database: join(directory, 'tokenward.sqlite') },
      local: { providerPort: 3001, apiPort: 3002, accessTokenTtlSeconds: 30 },
    });
  });

  it('keeps answers that cannot be stored beside its data, or where it is told to', () => {
    expect(read().spoolDirectory).toBe(join(directory, 'spool'));
    expect(read({ SPOOL_DIRECTORY: '/var/spool/app' }).spoolDirectory).toBe('/var/spool/app');
  });

  it('has browsers come over HTTPS where its public address says so, also outside production', () => {
    expect(read().overHttps).toBe(false);
    expect(read({ PUBLIC_URL: 'http://localhost:3000' }).overHttps).toBe(false);
    expect(read({ PUBLIC_URL: 'https://staging.example.com' }).overHttps).toBe(true);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(read({ PORT: '', PROVIDERS_FILE: '', TOKEN_KEYRING: '' })).toMatchObject({
      port: 3000,
      providers: null,
    });
  });

  it.each([
    ['postgres://db/app', 'postgres'],
    ['mysql://db/app', 'mysql'],
    ['mariadb://db/app', 'mariadb'],
  ])('knows the database %s', (url, type) => {
    expect(read({ DATABASE_URL: url })).toMatchObject({ database: { type, url }, databaseName: type });
  });

  it('lists every fault at once', () => {
    const environment = {
      NODE_ENV: 'production',
      PORT: 'http',
      PUBLIC_URL: 'app',
      TRUST_PROXY: 'true',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'oracle://db',
      PROVIDERS_FILE: '/nowhere.json',
      LOCAL_ACCESS_TOKEN_SECONDS: '1',
    };
    expect(faultsOf(environment)).toEqual([
      'PORT must be a port number from 0 to 65535',
      'PUBLIC_URL must be an address such as https://app.example.com',
      'TRUST_PROXY must list addresses or networks, such as loopback or 10.0.0.0/8,192.0.2.7',
      'LOG_LEVEL must be one of error, warn, log, debug, verbose',
      'DATABASE_URL must be postgres://…, mysql://…, mariadb://… or sqlite:path',
      'LOCAL_ACCESS_TOKEN_SECONDS must be a number of seconds from 4 to 86400',
      'TOKEN_KEYRING or TOKEN_KEYRING_FILE is missing: in production no keyring is created for you',
      'PROVIDERS_FILE /nowhere.json cannot be read (ENOENT)',
    ]);
  });

  it.each(['loopback', '10.0.0.0/8', '192.0.2.7, fd00::/8'])('trusts the proxy %s', (proxy) => {
    expect(read({ TRUST_PROXY: proxy }).trustProxy).toBe(proxy);
  });

  it('refuses both kinds of keyring at once', () => {
    const faults = faultsOf({ TOKEN_KEYRING: '1:a', TOKEN_KEYRING_FILE: '/keyring' });
    expect(faults).toEqual(['TOKEN_KEYRING or TOKEN_KEYRING_FILE: set one of the two, not both']);
  });

  it('has no conveniences in production', () => {
    const faults = faultsOf({ NODE_ENV: 'production' });
    expect(faults.map((fault) => fault.split(' is ')[0])).toEqual([
      'PUBLIC_URL',
      'DATABASE_URL',
      'PROVIDERS_FILE',
      'TRUST_PROXY',
      'TOKEN_KEYRING or TOKEN_KEYRING_FILE',
    ]);
    expect(faultsOf({ NODE_ENV: 'production', PUBLIC_URL: 'http://app.example.com' })).toContain(
      'PUBLIC_URL must begin with https: in production, or the session could be read on its way',
    );
  });

  it('makes a keyring once, for its owner alone', () => {
    const path = join(directory, 'keyring');
    expect(read().keyring).toEqual({ keyring: { file: path }, created: path });
    const made = readFileSync(path, 'utf8');
    expect(Buffer.from(/^1:(\S{44})\n$/.exec(made)![1]!, 'base64')).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(read().keyring.created).toBeNull();
    expect(readFileSync(path, 'utf8')).toBe(made);
  });

  it('makes no keyring where one is named', () => {
    expect(read({ TOKEN_KEYRING: '1:key' }).keyring).toEqual({ keyring: '1:key', created: null });
  });

  it('makes a password for the admin area once, for its owner alone', () => {
    const path = join(directory, 'admin-password');
    const { admin } = read();
    expect(admin).toEqual({ password: expect.stringMatching(/^[\w-]{24}$/), file: path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(read().admin).toEqual(admin);
    writeFileSync(path, '\n');
    expect(faultsOf({})).toEqual([expect.stringMatching(/admin-password is empty: delete it/)]);
  });

  it('takes the password of the admin area that it is given, and repeats it in no fault', () => {
    expect(read({ ADMIN_PASSWORD: 'hush' }).admin).toEqual({ password: 'hush', file: null });
    const faults = faultsOf({ NODE_ENV: 'production', ADMIN_PASSWORD: 'hush' });
    expect(faults).toContain('ADMIN_PASSWORD must have at least 16 characters in production');
    expect(faults.join()).not.toContain('hush');
  });

  it('has an admin area in production only where there is a password for it', () => {
    const production = {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://app.example.com',
      DATABASE_URL: 'postgres://db/app',
      PROVIDERS_FILE: file('{"acme": {}}'),
      TRUST_PROXY: 'loopback',
      TOKEN_KEYRING: '1:key',
    };
    expect(read(production).admin).toBeNull();
    expect(read({ ...production, ADMIN_PASSWORD: 'sixteen letters.' }).admin).toMatchObject({ file: null });
    expect(existsSync(join(directory, 'admin-password'))).toBe(false);
  });

  it('reads providers from a file, and gives their tokens to their API only', () => {
    const api = { baseUrl: 'https://api.example.com/v1', calls: ['GET /me'] };
    const path = file(JSON.stringify({ acme: { api, issuer: 'https://id.example.com', clientId: 'app' } }));
    expect(read({ PROVIDERS_FILE: path }).providers).toEqual({
      acme: {
        label: 'acme',
        note: null,
        api,
        options: {
          issuer: 'https://id.example.com',
          clientId: 'app',
          apiOrigins: ['https://api.example.com'],
        },
      },
    });
  });

  it.each([
    ['a file that is not there', '/nowhere/providers.json', /cannot be read \(ENOENT\)/],
    ['a file without a provider', '{}', /names no provider/],
    ['a bad name', '{"A B": {}}', /A B must be a name/],
    [
      'a bad call',
      '{"a": {"api": {"baseUrl": "https://a.example", "calls": ["me"]}}}',
      /calls 0 must be like "GET \/me"/,
    ],
    ...['GET me', 'GET /a/../b', 'GET /a/*/b', 'GET /a*', 'OPTIONS /a', 'GET /a/%2e%2e', 'GET //a'].map(
      (call): [string, string, RegExp] => [
        `the call ${call}`,
        JSON.stringify({ a: { api: { baseUrl: 'https://a.example', calls: ['GET /*', call] } } }),
        /calls 1 must be like "GET \/me"/,
      ],
    ),
    ...['https://a.example/?a', 'https://a.example/#a', 'https://a:b@a.example', 'https://a.example/b//'].map(
      (baseUrl): [string, string, RegExp] => [
        `the address ${baseUrl}`,
        JSON.stringify({ a: { api: { baseUrl, calls: [] } } }),
        /baseUrl must end with its path/,
      ],
    ),
    [
      'an address that is none',
      '{"a": {"api": {"baseUrl": "a.example", "calls": []}}}',
      /baseUrl must be an address such as/,
    ],
    [
      'a limit that cannot be',
      '{"a": {"api": {"baseUrl": "https://a.example", "calls": [], "limits": {"idleSeconds": 0}}}}',
      /limits idleSeconds Too small/,
    ],
  ])('names the fault of %s', (_what, content, fault) => {
    expect(faultsOf({ PROVIDERS_FILE: content.startsWith('/') ? content : file(content) })).toEqual([
      expect.stringMatching(fault),
    ]);
  });

  it('does not repeat a file that it cannot read: it may hold a secret', () => {
    expect(faultsOf({ PROVIDERS_FILE: file('{"clientSecret": hush') })).toEqual([
      expect.not.stringContaining('hush'),
    ]);
  });
});

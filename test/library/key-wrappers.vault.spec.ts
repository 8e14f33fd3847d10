import { inspect } from 'node:util';
import { KeyError } from '@tokenward/nestjs';
import { VaultKeyWrapper, type VaultKeyWrapperOptions } from '@tokenward/nestjs/kms/vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServiceRequest, KeyServiceDouble } from '../support/kms/key-service.js';
import { startVault, type Vault } from '../support/kms/vault.js';

const context = { dataKeyId: '0192f0c1-a2b3-7c4d-8e5f-60718293a4b5', tenantId: 'acme', purpose: 'token' };
const dataKey = Buffer.alloc(32, 7);

describe('Vault', () => {
  let vault: Vault;
  let wrapper: VaultKeyWrapper;

  beforeEach(async () => {
    vault = await startVault();
    vault.createKey('tokens');
    wrapper = wrapperWith();
  });
  afterEach(() => vault.service.stop());

  const wrapperWith = (options: Partial<VaultKeyWrapperOptions> = {}): VaultKeyWrapper =>
    new VaultKeyWrapper({
      address: vault.service.origin,
      token: vault.token,
      keys: ['tokens'],
      allowInsecureRequests: true,
      ...options,
    });
  const failure = async (call: Promise<unknown>): Promise<KeyError> => {
    const error = await call.then(
      () => expect.unreachable('it did not fail'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(KeyError);
    const shown = inspect(error, { depth: Infinity, showHidden: true });
    for (const secret of [vault.token, dataKey.toString('base64'), 'internal-detail'])
      expect(shown).not.toContain(secret);
    return error as KeyError;
  };

  it('shows that it is a client of Vault, in the namespace that it was given', async () => {
    Object.assign(vault, { namespace: 'team/a', mount: 'keys/transit' });
    const elsewhere = wrapperWith({
      namespace: 'team/a',
      mount: 'keys/transit',
      address: `${vault.service.origin}/`,
    });
    await elsewhere.wrap(dataKey, context, 'tokens');
    const { path, headers } = vault.service.seen[0]!;
    expect(path).toBe('/v1/keys/transit/encrypt/tokens');
    expect(headers).toMatchObject({ 'x-vault-request': 'true', 'x-vault-namespace': 'team/a' });
  });

  it('asks for the token each time, so that a renewed one is used', async () => {
    const renewing = wrapperWith({ token: async () => vault.token });
    const blob = await renewing.wrap(dataKey, context, 'tokens');
    vault.token = 'hvs.renewed';
    expect(await renewing.unwrap(blob, context)).toEqual(dataKey);
  });

  it('opens what an older version of the key wrapped, and wraps with the latest', async () => {
    const blob = await wrapper.wrap(dataKey, context, 'tokens');
    vault.rotateKey('tokens');
    const newer = await wrapper.rewrap(blob, context, 'tokens');
    expect(await wrapper.unwrap(blob, context)).toEqual(dataKey);
    vault.configureKey('tokens', { minDecryptionVersion: 2 });
    expect(await wrapper.unwrap(newer, context)).toEqual(dataKey);
    expect((await failure(wrapper.unwrap(blob, context))).message).toMatch(/min_decryption_version/);
  });

  it('wraps with the version that the name of the key asks for, and says when there is none', async () => {
    vault.rotateKey('tokens');
    const pinned = wrapperWith({ keys: ['tokens:1', 'tokens:3'] });
    await pinned.wrap(dataKey, context, 'tokens:1');
    expect(JSON.parse(vault.service.seen[0]!.body)).toMatchObject({ key_version: 1 });
    const error = await failure(pinned.wrap(dataKey, context, 'tokens:3'));
    expect(error).toMatchObject({ reason: 'KEK_UNAVAILABLE' });
    expect(error.message).toMatch(/no such version/);
  });

  it('refuses version 0 in a blob, which Vault would take for version 1', async () => {
    const blob = await wrapper.wrap(dataKey, context, 'tokens');
    const version = blob.indexOf('tokens') + 'tokens'.length;
    expect(blob.readUInt32BE(version)).toBe(1);
    blob.writeUInt32BE(0, version);
    expect((await failure(wrapper.unwrap(blob, context))).reason).toBe('KEK_UNWRAP_FAILED');
  });

  it('wraps nothing with a Vault that ignores the context', async () => {
    vault.ignoresAssociatedData = true;
    const error = await failure(wrapper.wrap(dataKey, context, 'tokens'));
    expect(error.reason).toBe('KEK_UNAVAILABLE');
    expect(error.message).toMatch(/does not authenticate associated data; Vault 1\.13 or later is needed/);
  });

  it('tries only once for each key whether the context counts', async () => {
    for (let i = 0; i < 3; i++) await wrapper.wrap(dataKey, context, 'tokens');
    expect(vault.service.seen.filter(({ path }) => path.includes('/decrypt/'))).toHaveLength(1);
  });

  it('says that the key is missing, whether Vault calls it so or not', async () => {
    const blob = await wrapper.wrap(dataKey, context, 'tokens');
    vault.deleteKey('tokens');
    expect((await failure(wrapper.unwrap(blob, context))).message).toMatch(/^KEK_UNAVAILABLE: .*not found/);
    // Without the right to create keys, Vault says no more than that.
    expect((await failure(wrapper.wrap(dataKey, context, 'tokens'))).message).toMatch(/denied/);
  });

  it('says that a key of another type will not do', async () => {
    vault.createKey('asymmetric', 'rsa-4096');
    const error = await failure(wrapperWith({ keys: ['asymmetric'] }).wrap(dataKey, context, 'asymmetric'));
    expect(error.message).toMatch(/must be of type aes256-gcm96/);
  });

  it('tells a key that was made anew under the old name from one that is missing', async () => {
    const blob = await wrapper.wrap(dataKey, context, 'tokens');
    vault.createKey('tokens');
    expect((await failure(wrapper.unwrap(blob, context))).reason).toBe('KEK_UNWRAP_FAILED');
  });

  it('says that Vault is sealed', async () => {
    const blob = await wrapper.wrap(dataKey, context, 'tokens');
    vault.sealed = true;
    expect((await failure(wrapper.unwrap(blob, context))).message).toMatch(/^KEK_UNAVAILABLE: .*sealed/);
  });

  it('says that the token was denied, and that the engine is not there', async () => {
    for (const [options, words] of [
      [{ token: 'hvs.wrong' }, /denied/],
      [{ mount: 'elsewhere' }, /not found: is the transit engine mounted there/],
    ] as const) {
      const error = await failure(wrapperWith(options).wrap(dataKey, context, 'tokens'));
      expect(error).toMatchObject({ reason: 'KEK_UNAVAILABLE', transient: true });
      expect(error.message).toMatch(words);
    }
  });

  it.each<[string, () => void, KeyError['reason'], RegExp]>([
    [
      'throttles',
      () =>
        vault.service.fail(429, {
          errors: ['request path "transit/decrypt/tokens": rate limit quota exceeded'],
        }),
      'KMS_THROTTLED',
      /too many/,
    ],
    [
      'is a standby',
      () => vault.service.fail(503, { errors: ['Vault is in standby mode'] }),
      'KEK_UNAVAILABLE',
      /standby/,
    ],
    [
      'fails',
      () => vault.service.fail(500, { errors: ['internal error: internal-detail'] }),
      'KEK_UNAVAILABLE',
      /failed \(500\)/,
    ],
    ['is away behind a proxy', () => vault.service.fail(502, '<html>'), 'KEK_UNAVAILABLE', /failed \(502\)/],
    [
      'refuses for a reason of its own',
      () => vault.service.fail(400, { errors: ['internal-detail'] }),
      'KEK_UNAVAILABLE',
      /refused the request/,
    ],
    ['closes the connection', () => vault.service.drop(), 'KEK_UNAVAILABLE', /ECONNRESET/],
    [
      'answers with a web page',
      () => vault.service.fail(200, '<html>'),
      'KEK_UNAVAILABLE',
      /not be read|be read/,
    ],
    ['answers with nothing', () => vault.service.fail(200, {}), 'KEK_UNAVAILABLE', /could not be read/],
    [
      'answers without end',
      () => vault.service.fail(200, 'x'.repeat(1_000_000)),
      'KEK_UNAVAILABLE',
      /ERR_BAD_RESPONSE/,
    ],
  ])('tells apart that the service %s', async (_what, fault, reason, words) => {
    const blob = await wrapper.wrap(dataKey, context, 'tokens');
    fault();
    const error = await failure(wrapper.unwrap(blob, context));
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(words);
    // Nothing is remembered: the next call works.
    expect(await wrapper.unwrap(blob, context)).toEqual(dataKey);
  });

  it('says that nobody listens at the address', async () => {
    const error = await failure(
      wrapperWith({ address: 'http://127.0.0.1:1' }).wrap(dataKey, context, 'tokens'),
    );
    expect(error.message).toMatch(/^KEK_UNAVAILABLE: .*ECONNREFUSED/);
  });

  it.each<['hang' | 'stall']>([['hang'], ['stall']])(
    'gives up when the service seems to %s',
    async (fault) => {
      const impatient = wrapperWith({ timeoutSeconds: 0.2 });
      vault.service[fault]();
      expect(await failure(impatient.wrap(dataKey, context, 'tokens'))).toMatchObject({
        reason: 'KMS_TIMEOUT',
        transient: true,
      });
    },
  );

  it('gives up when the token does not come', async () => {
    const waiting = wrapperWith({ timeoutSeconds: 0.2, token: () => new Promise(() => undefined) });
    expect((await failure(waiting.wrap(dataKey, context, 'tokens'))).reason).toBe('KMS_TIMEOUT');
  });

  it.each<[string, () => string]>([
    [
      'cannot be had',
      () => {
        throw new Error('internal-detail');
      },
    ],
    ['is empty', () => ' \n'],
    ['holds a line break', () => 'hvs.a\r\nX-Other: internal-detail'],
  ])('sends nothing when the token %s', async (_what, token) => {
    const error = await failure(wrapperWith({ token }).wrap(dataKey, context, 'tokens'));
    expect(error.message).toMatch(/token could not be read, or is empty or malformed/);
    expect(vault.service.seen).toEqual([]);
  });

  it('takes the token nowhere else: a redirect is not followed', async () => {
    const reached: ServiceRequest[] = [];
    const elsewhere = await new KeyServiceDouble('application/json', (request) => {
      reached.push(request);
      return { status: 200, body: {} };
    }).start();
    try {
      vault.service.fail(307, '', { location: `${elsewhere.origin}/v1/transit/encrypt/tokens` });
      const error = await failure(wrapper.wrap(dataKey, context, 'tokens'));
      expect(error.message).toMatch(/redirects \(307\)/);
      expect(reached).toEqual([]);
    } finally {
      await elsewhere.stop();
    }
  });

  it.each<[string, Partial<VaultKeyWrapperOptions>, RegExp]>([
    ['http:', { allowInsecureRequests: false }, /address: must begin with https:/],
    ['credentials in the address', { address: 'https://user:pw@vault.example.com' }, /without credentials/],
    ['an address that is none', { address: 'vault.example.com' }, /address: must be an absolute URL/],
    ['an empty token', { token: '' }, /token: must be a token or a function/],
    ['no key', { keys: [] }, /at least one key/],
    ['a key twice', { keys: ['a', 'a'] }, /keys\.1: names a key that was named before/],
    ['a path as the name of a key', { keys: ['../sys/seal'] }, /keys\.0: must be the name of a transit key/],
    ['version 0', { keys: ['tokens:0'] }, /keys\.0: must be the name/],
    ['a mount that climbs', { mount: '../sys' }, /mount: must be a path/],
    ['a time-out of an hour', { timeoutSeconds: 3600 }, /timeoutSeconds: must be at most 60/],
    ['a misspelt option', { tokn: 'x' } as never, /tokn: is not an option/],
  ])('refuses %s at start', (_what, options, words) => {
    expect(() => wrapperWith(options)).toThrow(words);
  });
});

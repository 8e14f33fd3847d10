import { inspect } from 'node:util';
import type { KMSClient } from '@aws-sdk/client-kms';
import { KeyError, TokenConfigurationError } from '@tokenward/nestjs';
import { AwsKeyWrapper } from '@tokenward/nestjs/kms/aws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AwsKms, type KmsKeyState, startAwsKms } from '../support/kms/aws.js';

const context = { dataKeyId: '0192f0c1-a2b3-7c4d-8e5f-60718293a4b5', tenantId: 'acme', purpose: 'token' };

describe('AWS KMS', () => {
  let kms: AwsKms;
  let first: { id: string; arn: string };
  let second: { id: string; arn: string };
  let wrapper: AwsKeyWrapper;

  beforeEach(async () => {
    kms = await startAwsKms();
    [first, second] = [kms.createKey(), kms.createKey()];
    wrapper = wrapperWith();
  });
  afterEach(() => kms.service.stop());

  const wrapperWith = (options: { timeoutSeconds?: number; client?: KMSClient } = {}): AwsKeyWrapper =>
    new AwsKeyWrapper({ client: kms.client(), keyIds: [first.arn, second.arn], ...options });
  const failure = (call: Promise<unknown>): Promise<KeyError> =>
    call.then(
      () => expect.unreachable('it did not fail'),
      (error: unknown) => error as KeyError,
    );

  it('draws data keys in KMS, and rewraps them there', async () => {
    const { dataKey, blob } = await wrapper.generate(context, first.id);
    const moved = await wrapper.rewrap(blob, context, second.id);
    expect(kms.operations).toEqual(['GenerateDataKey', 'ReEncrypt']);
    expect(await wrapper.unwrap(moved, context)).toEqual(dataKey);
  });

  it('sends the context as encryption context and the key by its ARN, so that policies can name both', async () => {
    await wrapper.unwrap(await wrapper.wrap(Buffer.alloc(32, 7), context, first.id), context);
    for (const { body } of kms.service.seen) {
      expect(JSON.parse(body)).toMatchObject({ KeyId: first.arn, EncryptionContext: context });
    }
  });

  it('stores the id of the key alone: an ARN is too long, and its account and region are the same for all', () => {
    expect(first.arn.length).toBeGreaterThan(64);
    expect(wrapper.kekIds).toEqual([first.id, second.id]);
  });

  it('opens by ARN what was wrapped by id', async () => {
    const byId = new AwsKeyWrapper({ client: kms.client(), keyIds: [first.id] });
    const blob = await byId.wrap(Buffer.alloc(32, 7), context, byId.kekId);
    expect(await wrapper.unwrap(blob, context)).toEqual(Buffer.alloc(32, 7));
  });

  it.each<[KmsKeyState, RegExp]>([
    ['Disabled', /disabled/],
    ['AccessDenied', /denied/],
    ['NotFound', /not found/],
    ['PendingDeletion', /pending deletion/],
  ])('says so when the key is in the state %s, in words of its own', async (state, words) => {
    const { dataKey, blob } = await wrapper.generate(context, first.id);
    kms.setState(first.id, state);
    for (const call of [
      wrapper.unwrap(blob, context),
      wrapper.wrap(dataKey, context, first.id),
      wrapper.generate(context, first.id),
      wrapper.rewrap(blob, context, second.id),
    ]) {
      const error = await failure(call);
      expect(error).toBeInstanceOf(KeyError);
      expect(error).toMatchObject({ reason: 'KEK_UNAVAILABLE', transient: true });
      expect(error.message).toMatch(words);
      expect(error.message).toContain(first.id);
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(/111122223333|arn:aws/);
    }
  });

  it.each<[string, () => void, KeyError['reason'], RegExp]>([
    [
      'throttles',
      () => kms.service.fail(400, { __type: 'ThrottlingException', message: 'Rate exceeded' }),
      'KMS_THROTTLED',
      /too many/,
    ],
    [
      'has reached a limit',
      () => kms.service.fail(400, { __type: 'LimitExceededException' }),
      'KMS_THROTTLED',
      /too many/,
    ],
    ['throttles at its edge', () => kms.service.fail(429), 'KMS_THROTTLED', /too many/],
    [
      'waits too long for its own parts',
      () => kms.service.fail(500, { __type: 'DependencyTimeoutException' }),
      'KMS_TIMEOUT',
      /in time/,
    ],
    [
      'fails',
      () => kms.service.fail(500, { __type: 'KMSInternalException', message: 'internal-detail' }),
      'KEK_UNAVAILABLE',
      /failed/,
    ],
    [
      'is away behind a load balancer',
      () => kms.service.fail(503, 'away'),
      'KEK_UNAVAILABLE',
      /failed \(503\)/,
    ],
    [
      'closes the connection',
      () => kms.service.drop(),
      'KEK_UNAVAILABLE',
      /could not be reached \(ECONNRESET\)/,
    ],
    [
      'answers with a web page',
      () => kms.service.fail(200, '<html>'),
      'KEK_UNAVAILABLE',
      /could not be read/,
    ],
    [
      'answers with nothing',
      () => kms.service.fail(200, {}),
      'KEK_UNAVAILABLE',
      /without the expected fields/,
    ],
    [
      'does not know the credentials',
      () => kms.service.fail(400, { __type: 'UnrecognizedClientException', message: 'bad' }),
      'KEK_UNAVAILABLE',
      /credentials were refused/,
    ],
    [
      'sees expired credentials',
      () => kms.service.fail(400, { __type: 'ExpiredTokenException', message: 'bad' }),
      'KEK_UNAVAILABLE',
      /expired/,
    ],
    [
      'finds another key in the blob',
      () => kms.service.fail(400, { __type: 'IncorrectKeyException', message: 'bad' }),
      'KEK_UNWRAP_FAILED',
      /does not open/,
    ],
    [
      'has an error that nobody has heard of',
      () => kms.service.fail(400, { __type: 'NewKindOfException', message: 'internal-detail' }),
      'KEK_UNAVAILABLE',
      /NewKindOfException/,
    ],
  ])('tells apart that the service %s', async (_what, fault, reason, words) => {
    const { dataKey, blob } = await wrapper.generate(context, first.id);
    fault();
    const error = await failure(wrapper.unwrap(blob, context));
    expect(error).toBeInstanceOf(KeyError);
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(words);
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(/internal-detail|html/);
    // Nothing is remembered: the next call works.
    expect(await wrapper.unwrap(blob, context)).toEqual(dataKey);
  });

  it.each<['hang' | 'stall']>([['hang'], ['stall']])(
    'gives up when the service seems to %s, without waiting for the client',
    async (fault) => {
      const impatient = wrapperWith({ timeoutSeconds: 0.2 });
      kms.service[fault]();
      expect(await failure(impatient.wrap(Buffer.alloc(32), context, first.id))).toMatchObject({
        reason: 'KMS_TIMEOUT',
        transient: true,
      });
    },
  );

  it('gives up when the credentials do not come', async () => {
    const client = kms.client();
    client.config.credentials = () => new Promise(() => undefined);
    const error = await failure(
      wrapperWith({ timeoutSeconds: 0.2, client }).wrap(Buffer.alloc(32), context, first.id),
    );
    expect(error.reason).toBe('KMS_TIMEOUT');
  });

  it('says that there are no credentials, not where they were looked for', async () => {
    const client = kms.client();
    client.config.credentials = () =>
      Promise.reject(Object.assign(new Error('secret path'), { name: 'CredentialsProviderError' }));
    const error = await failure(wrapperWith({ client }).wrap(Buffer.alloc(32), context, first.id));
    expect(error.message).toMatch(/no AWS credentials/);
    expect(inspect(error, { depth: Infinity })).not.toContain('secret path');
  });

  it('leaves retries to the client', async () => {
    kms.service.fail(500, { __type: 'KMSInternalException' }, {}, 1);
    const patient = wrapperWith({ client: kms.client(3) });
    const { blob } = await patient.generate(context, first.id);
    expect(blob.length).toBeGreaterThan(100);
    expect(kms.operations).toEqual(['GenerateDataKey', 'GenerateDataKey']);
  });

  it('asks nobody about a blob that cannot be one', async () => {
    const { blob } = await wrapper.generate(context, first.id);
    kms.service.seen.length = 0;
    const grown = Buffer.concat([blob, Buffer.alloc(7000)]);
    expect((await failure(wrapper.unwrap(grown, context))).reason).toBe('KEK_UNWRAP_FAILED');
    expect(kms.service.seen).toEqual([]);
  });

  it.each([
    ['an alias', ['alias/tokens'], /keyIds\.0: is an alias, which can be pointed at another key/],
    ['the ARN of an alias', ['arn:aws:kms:eu-central-1:111122223333:alias/tokens'], /is an alias/],
    ['the ARN of something else', ['arn:aws:s3:::bucket'], /neither the id nor the ARN/],
    ['an empty name', [''], /neither the id nor the ARN/],
    ['no key', [], /at least one key/],
    [
      'a key twice, by id and by ARN',
      [
        '1234abcd-12ab-34cd-56ef-1234567890ab',
        'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
      ],
      /keyIds\.1: names a key that was named before/,
    ],
  ])('refuses %s at start', (_what, keyIds, words) => {
    expect(() => new AwsKeyWrapper({ client: kms.client(), keyIds })).toThrow(words);
  });

  it('takes the id of a multi-region key', () => {
    const id = `mrk-${'0'.repeat(32)}`;
    const arn = `arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/${id}`;
    expect(new AwsKeyWrapper({ client: kms.client(), keyIds: [arn] }).kekId).toBe(id);
  });

  it('names every wrong option at once', () => {
    const options = { client: {}, keyIds: ['alias/a'], timeoutSeconds: 0, timeOut: 3 } as never;
    const error = catching(() => new AwsKeyWrapper(options));
    expect(error).toBeInstanceOf(TokenConfigurationError);
    expect(error.problems).toEqual([
      'AwsKeyWrapper client: must be a KMSClient',
      expect.stringContaining('AwsKeyWrapper keyIds.0: is an alias'),
      'AwsKeyWrapper timeoutSeconds: must be more than 0',
      'AwsKeyWrapper timeOut: is not an option; check the spelling',
    ]);
  });
});

function catching(work: () => unknown): TokenConfigurationError {
  try {
    work();
  } catch (error) {
    return error as TokenConfigurationError;
  }
  throw new Error('nothing was thrown');
}

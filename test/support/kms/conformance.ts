import { inspect } from 'node:util';
import { randomBytes } from 'node:crypto';
import { type KeyContext, KeyError, type KeyWrapper } from '@tokenward/nestjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** A key service with two keys, and wrappers that use it. */
export interface WrapperUnderTest {
  /** The two keys as the wrapper names them in `kekIds`. */
  keys: readonly [first: string, second: string];
  /** A new wrapper that may use these keys, of which the first one wraps. The suite closes it. */
  open(keys: readonly string[]): KeyWrapper | Promise<KeyWrapper>;
  /** What must not appear in any error or printed wrapper: tokens, PINs, access keys. */
  secrets?: readonly string[];
  stop?(): void | Promise<void>;
}

const CONTEXT: KeyContext = {
  dataKeyId: '0192f0c1-a2b3-7c4d-8e5f-60718293a4b5',
  tenantId: 'acme',
  purpose: 'token',
};
const OTHER_CONTEXTS: [string, KeyContext][] = [
  ['data key id', { ...CONTEXT, dataKeyId: '0192f0c1-a2b3-7c4d-8e5f-60718293a4b6' }],
  ['tenant', { ...CONTEXT, tenantId: 'evil' }],
  ['case of the tenant', { ...CONTEXT, tenantId: 'ACME' }],
  ['purpose', { ...CONTEXT, purpose: 'application' }],
  ['boundary between two parts', { ...CONTEXT, tenantId: 'acmet', purpose: 'oken' }],
  ['order of two parts', { ...CONTEXT, tenantId: 'token', purpose: 'acme' }],
];
/** As long as the library allows, and with characters that an encoding may trip over. */
const LONG_CONTEXT: KeyContext = { ...CONTEXT, tenantId: `"\\\u0000\n|:,é€😀${'x'.repeat(240)}` };

/** Runs against every `KeyWrapper`: what the library relies on. Write `describeKeyWrapper('mine', setUp)` in a spec of Vitest. */
export function describeKeyWrapper(
  name: string,
  setUp: () => WrapperUnderTest | Promise<WrapperUnderTest>,
): void {
  describe(`${name} as a key wrapper`, () => {
    const opened: KeyWrapper[] = [];
    const dataKeys: Buffer[] = [];
    let subject: WrapperUnderTest;
    let wrapper: KeyWrapper;
    let first: string;
    let second: string;

    beforeAll(async () => {
      subject = await setUp();
      [first, second] = subject.keys;
      wrapper = await open(first, second);
    });
    afterAll(async () => {
      for (const each of opened) await each.close();
      await subject.stop?.();
    });

    const open = async (...keys: string[]): Promise<KeyWrapper> => {
      const fresh = await subject.open(keys);
      opened.push(fresh);
      return fresh;
    };
    const newDataKey = (): Buffer => {
      const dataKey = randomBytes(32);
      dataKeys.push(Buffer.from(dataKey));
      return dataKey;
    };
    const secretsIn = (value: unknown): string[] => {
      const shown = inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
      const encodings = ['hex', 'base64', 'base64url', 'latin1'] as const;
      const keys = dataKeys.flatMap((dataKey) => encodings.map((encoding) => dataKey.toString(encoding)));
      return [...keys, ...(subject.secrets ?? [])].filter((secret) => shown.includes(secret));
    };
    /** The error that a refused call ends with: always a `KeyError`, and never with a secret in it. */
    const refusal = async (call: Promise<unknown>): Promise<KeyError> => {
      const error = await call.then(
        () => expect.unreachable('it was not refused'),
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(KeyError);
      expect(secretsIn(error)).toEqual([]);
      return error as KeyError;
    };

    it('names its keys, the one that wraps first', async () => {
      expect(wrapper.kekIds).toEqual([first, second]);
      expect(wrapper.kekId).toBe(first);
      for (const id of wrapper.kekIds) expect(id).toMatch(/^[A-Za-z0-9._:/-]{1,64}$/);
    });

    it('gives back what it wrapped, under each key, and leaves the data key as it was', async () => {
      for (const kekId of [first, second]) {
        const dataKey = newDataKey();
        const before = Buffer.from(dataKey);
        const blob = await wrapper.wrap(dataKey, CONTEXT, kekId);
        expect(dataKey).toEqual(before);
        expect(await wrapper.unwrap(blob, CONTEXT)).toEqual(before);
      }
    });

    it('hands out a data key that may be erased without harm to the next one', async () => {
      const dataKey = newDataKey();
      const blob = await wrapper.wrap(dataKey, CONTEXT, first);
      (await wrapper.unwrap(blob, CONTEXT)).fill(0);
      expect(await wrapper.unwrap(blob, CONTEXT)).toEqual(dataKey);
    });

    it('draws data keys of 32 bytes, each another one, that their blobs give back', async () => {
      const drawn = await Promise.all([first, second].map((kekId) => wrapper.generate(CONTEXT, kekId)));
      for (const { dataKey, blob } of drawn) {
        expect(dataKey).toHaveLength(32);
        expect(await wrapper.unwrap(blob, CONTEXT)).toEqual(dataKey);
      }
      expect(drawn[0]!.dataKey).not.toEqual(drawn[1]!.dataKey);
    });

    it('never wraps to the same bytes twice, nor shows the data key in them', async () => {
      const dataKey = newDataKey();
      const blobs = await Promise.all([1, 2, 3].map(() => wrapper.wrap(dataKey, CONTEXT, first)));
      expect(new Set(blobs.map((blob) => blob.toString('hex'))).size).toBe(3);
      for (const blob of blobs) expect(blob.includes(dataKey)).toBe(false);
    });

    it('takes the longest context with any characters, in a blob of less than 1 KB', async () => {
      const dataKey = newDataKey();
      const blob = await wrapper.wrap(dataKey, LONG_CONTEXT, first);
      expect(blob.length).toBeLessThan(1024);
      expect(await wrapper.unwrap(blob, LONG_CONTEXT)).toEqual(dataKey);
    });

    it.each(OTHER_CONTEXTS)('refuses a blob under another %s', async (_part, context) => {
      const blob = await wrapper.wrap(newDataKey(), CONTEXT, first);
      const error = await refusal(wrapper.unwrap(blob, context));
      expect(error).toMatchObject({ reason: 'KEK_UNWRAP_FAILED', transient: false });
    });

    it('refuses a blob with any byte changed', async () => {
      const blob = await wrapper.wrap(newDataKey(), CONTEXT, first);
      for (let index = 0; index < blob.length; index++) {
        for (const change of [0x01, 0x80]) {
          const changed = Buffer.from(blob);
          changed[index]! ^= change;
          const { reason } = await refusal(wrapper.unwrap(changed, CONTEXT));
          // A changed name of the key is the name of a key that is not there.
          expect(['KEK_UNWRAP_FAILED', 'KEK_UNAVAILABLE'], `byte ${index}`).toContain(reason);
        }
      }
    });

    it('refuses a blob that is cut at any length, empty, or longer than it was', async () => {
      const blob = await wrapper.wrap(newDataKey(), CONTEXT, first);
      for (let length = 1; length < blob.length; length++)
        await refusal(wrapper.unwrap(blob.subarray(0, length), CONTEXT));
      for (const bad of [Buffer.alloc(0), Buffer.concat([blob, Buffer.alloc(1)]), blob.subarray(0, -1)]) {
        expect((await refusal(wrapper.unwrap(bad, CONTEXT))).reason).toBe('KEK_UNWRAP_FAILED');
      }
    });

    it.each([0, 1, 16, 80, 1000, 100_000])('refuses %i random bytes', async (size) => {
      const error = await refusal(wrapper.unwrap(randomBytes(size), CONTEXT));
      expect(error.reason).toBe('KEK_UNWRAP_FAILED');
    });

    it('says that a key is missing when it was not given the one that wrapped', async () => {
      const blob = await wrapper.wrap(newDataKey(), CONTEXT, first);
      const error = await refusal((await open(second)).unwrap(blob, CONTEXT));
      expect(error).toMatchObject({ reason: 'KEK_UNAVAILABLE' });
    });

    it('wraps under no key that it was not given', async () => {
      for (const kekId of [second, 'nobody-has-this-key', '']) {
        const stranger = await open(first);
        expect((await refusal(stranger.wrap(newDataKey(), CONTEXT, kekId))).reason).toBe('KEK_UNAVAILABLE');
        expect((await refusal(stranger.generate(CONTEXT, kekId))).reason).toBe('KEK_UNAVAILABLE');
      }
    });

    it('rewraps under another key: the new blob opens with that alone, the old one still opens', async () => {
      const dataKey = newDataKey();
      const blob = await wrapper.wrap(dataKey, CONTEXT, first);
      const moved = await wrapper.rewrap(blob, CONTEXT, second);
      expect(await (await open(second)).unwrap(moved, CONTEXT)).toEqual(dataKey);
      expect(await wrapper.unwrap(blob, CONTEXT)).toEqual(dataKey);
      expect(moved).not.toEqual(blob);
    });

    it('rewraps nothing under another context, nor under a key that it was not given', async () => {
      const blob = await wrapper.wrap(newDataKey(), CONTEXT, first);
      for (const [, context] of OTHER_CONTEXTS)
        expect((await refusal(wrapper.rewrap(blob, context, second))).reason).toBe('KEK_UNWRAP_FAILED');
      const error = await refusal(wrapper.rewrap(blob, CONTEXT, 'nobody-has-this-key'));
      expect(error.reason).toBe('KEK_UNAVAILABLE');
    });

    it('opens what an older key wrapped after the order of the keys has changed', async () => {
      const dataKey = newDataKey();
      const blob = await (await open(first)).wrap(dataKey, CONTEXT, first);
      const turned = await open(second, first);
      expect(turned.kekId).toBe(second);
      expect(await turned.unwrap(blob, CONTEXT)).toEqual(dataKey);
    });

    it('keeps 50 calls at once apart', async () => {
      const results = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const context = { ...CONTEXT, tenantId: `tenant-${index}` };
          const dataKey = newDataKey();
          const blob = await wrapper.wrap(dataKey, context, index % 2 === 0 ? first : second);
          const again = await wrapper.unwrap(blob, context);
          return again.equals(dataKey);
        }),
      );
      expect(results).toEqual(Array.from({ length: 50 }, () => true));
    });

    it('has nothing to complain about when it is asked to look again', async () => {
      expect(await wrapper.refresh()).toBeNull();
    });

    it('shows no secret when it is printed', () => {
      expect(secretsIn(wrapper)).toEqual([]);
      expect(secretsIn(JSON.stringify(wrapper))).toEqual([]);
    });

    it('closes twice without harm to others, and then works or says that it is not available', async () => {
      const closed = await open(first);
      const dataKey = newDataKey();
      const blob = await closed.wrap(dataKey, CONTEXT, first);
      await closed.close();
      await closed.close();
      const outcome = await closed.unwrap(blob, CONTEXT).then(
        (key) => key.toString('hex'),
        (error: unknown) => (error as KeyError).reason,
      );
      expect([dataKey.toString('hex'), 'KEK_UNAVAILABLE']).toContain(outcome);
      expect(await wrapper.unwrap(blob, CONTEXT)).toEqual(dataKey);
    });
  });
}

import { inspect } from 'node:util';
import { KeyError } from '@tokenward/nestjs';
import { Pkcs11KeyWrapper, type Pkcs11KeyWrapperOptions } from '@tokenward/nestjs/kms/pkcs11';
import pkcs11js from 'pkcs11js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SoftHsm } from '../support/kms/softhsm.js';
import { requirement } from '../support/optional.js';

const context = { dataKeyId: '0192f0c1-a2b3-7c4d-8e5f-60718293a4b5', tenantId: 'acme', purpose: 'token' };
const dataKey = Buffer.alloc(32, 7);

describe.skipIf(!requirement('softhsm').available)('A PKCS#11 token (SoftHSM)', () => {
  let hsm: SoftHsm;
  const opened: Pkcs11KeyWrapper[] = [];

  beforeEach(() => {
    hsm = new SoftHsm();
    hsm.createKey('tokens');
  });
  afterEach(async () => {
    for (const wrapper of opened.splice(0)) await wrapper.close();
    hsm.remove();
  });

  const open = (options: Partial<Pkcs11KeyWrapperOptions> = {}): Pkcs11KeyWrapper => {
    const { library, tokenLabel, pin } = hsm;
    const wrapper = new Pkcs11KeyWrapper({ library, tokenLabel, pin, keys: ['tokens'], ...options });
    opened.push(wrapper);
    return wrapper;
  };
  const wrap = (wrapper: Pkcs11KeyWrapper): Promise<Buffer> => wrapper.wrap(dataKey, context, wrapper.kekId);
  const failure = async (call: Promise<unknown>): Promise<KeyError> => {
    const error = await call.then(
      () => expect.unreachable('it did not fail'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(KeyError);
    const shown = inspect(error, { depth: Infinity, showHidden: true });
    for (const secret of [hsm.pin, dataKey.toString('hex'), 'internal-detail'])
      expect(shown).not.toContain(secret);
    return error as KeyError;
  };

  it('wraps in the documented form', async () => {
    const blob = await wrap(open());
    expect(blob.subarray(0, 4).toString('hex')).toBe('fb110106');
    expect(blob.subarray(4, 10).toString()).toBe('tokens');
    expect(blob).toHaveLength(10 + 12 + 32 + 16);
  });

  it('opens in a later session what an earlier one wrapped', async () => {
    const one = open();
    const blob = await wrap(one);
    await one.close();
    expect(await open().unwrap(blob, context)).toEqual(dataKey);
  });

  it('finds the token by its slot, too', async () => {
    const blob = await wrap(open());
    const bySlot = open({ tokenLabel: undefined, slot: hsm.slotId() });
    expect(await bySlot.unwrap(blob, context)).toEqual(dataKey);
  });

  it.each<[string, (hsm: SoftHsm) => void]>([
    [
      'its sessions were closed',
      (token) => token.withModule((module, slot) => module.C_CloseAllSessions(slot)),
    ],
    [
      'it was logged out',
      (token) =>
        token.withModule((module, slot) => {
          const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
          module.C_Logout(session);
          module.C_CloseSession(session);
        }),
    ],
    ['the module was finalized', (token) => token.withModule((module) => module.C_Finalize())],
  ])('goes on by itself after %s', async (_what, disturb) => {
    const wrapper = open();
    const blob = await wrap(wrapper);
    disturb(hsm);
    expect(await wrapper.unwrap(blob, context)).toEqual(dataKey);
    expect(await wrapper.unwrap(await wrap(wrapper), context)).toEqual(dataKey);
  });

  it('says that the key is missing, and finds it once it is there', async () => {
    const wrapper = open({ keys: ['next'] });
    const error = await failure(wrap(wrapper));
    expect(error).toMatchObject({ reason: 'KEK_UNAVAILABLE', transient: true });
    expect(error.message).toMatch(/no AES-256 key "next" .* not found/);
    hsm.createKey('next');
    expect(await wrapper.unwrap(await wrap(wrapper), context)).toEqual(dataKey);
  });

  it('notices that a key was deleted', async () => {
    const wrapper = open();
    const blob = await wrap(wrapper);
    hsm.deleteKeys('tokens');
    expect((await failure(wrapper.unwrap(blob, context))).message).toMatch(/^KEK_UNAVAILABLE: .*not found/);
  });

  it('tells a key that was made anew under the old label from one that is missing', async () => {
    const wrapper = open();
    const blob = await wrap(wrapper);
    hsm.deleteKeys('tokens');
    hsm.createKey('tokens');
    expect((await failure(wrapper.unwrap(blob, context))).reason).toBe('KEK_UNWRAP_FAILED');
  });

  it('does not take a token that has lost its keys for a damaged blob', async () => {
    const wrapper = open();
    const blob = await wrap(wrapper);
    hsm.loseFiles();
    const error = await failure(wrapper.unwrap(blob, context));
    expect(error.reason).toBe('KEK_UNAVAILABLE');
  });

  it('uses no key of which there are two', async () => {
    hsm.createKey('tokens');
    expect((await failure(wrap(open()))).message).toMatch(/several keys "tokens"/);
  });

  it.each([
    ['that can be extracted', { type: pkcs11js.CKA_EXTRACTABLE, value: true }],
    ['of 128 bits', { type: pkcs11js.CKA_VALUE_LEN, value: 16 }],
  ])('uses no key %s', async (_what, attribute) => {
    hsm.createKey('weak', [attribute]);
    expect((await failure(wrap(open({ keys: ['weak'] })))).message).toMatch(
      /no AES-256 key "weak" that cannot/,
    );
  });

  it('says that a key may not be used for this', async () => {
    hsm.createKey('signing', [{ type: pkcs11js.CKA_ENCRYPT, value: false }]);
    const error = await failure(wrap(open({ keys: ['signing'] })));
    expect(error.message).toMatch(/^KEK_UNAVAILABLE: .*may not encrypt or decrypt/);
  });

  it('says that the PIN was refused, and does not try it again, which would lock the token', async () => {
    const pins = ['00000000'];
    let asked = 0;
    const wrapper = open({
      pin: () => {
        asked += 1;
        return pins.at(-1)!;
      },
    });
    expect((await failure(wrap(wrapper))).message).toMatch(/^KEK_UNAVAILABLE: .*PIN was refused/);
    for (let i = 0; i < 20; i++)
      expect((await failure(wrap(wrapper))).message).toMatch(/not tried again until it changes/);
    pins.push(hsm.pin);
    expect(await wrapper.unwrap(await wrap(wrapper), context)).toEqual(dataKey);
    expect(asked).toBe(22);
  });

  it.each<[string, () => string]>([
    ['is empty', () => ''],
    [
      'cannot be had',
      () => {
        throw new Error('internal-detail');
      },
    ],
  ])('says when the PIN %s', async (_what, pin) => {
    expect((await failure(wrap(open({ pin })))).message).toMatch(/PIN could not be read, or is empty/);
  });

  it('says which token is not there', async () => {
    expect((await failure(wrap(open({ tokenLabel: 'elsewhere' })))).message).toMatch(
      /^KEK_UNAVAILABLE: there is no PKCS#11 token labelled "elsewhere"/,
    );
    const bySlot = open({ tokenLabel: undefined, slot: 4_000_000_000 });
    expect((await failure(wrap(bySlot))).message).toMatch(/in slot 4000000000/);
  });

  it('asks for the slot when two tokens have one label', async () => {
    hsm.createToken(hsm.tokenLabel);
    expect((await failure(wrap(open()))).message).toMatch(/several PKCS#11 tokens are labelled/);
  });

  it('says that the module cannot be loaded', async () => {
    const error = await failure(wrap(open({ library: '/nowhere/module.so' })));
    expect(error.message).toBe('KEK_UNAVAILABLE: the PKCS#11 module /nowhere/module.so cannot be loaded');
  });

  it('is closed for good, while another one goes on', async () => {
    const [one, other] = [open(), open()];
    const blob = await wrap(one);
    expect(await other.unwrap(blob, context)).toEqual(dataKey);
    await one.close();
    expect((await failure(one.unwrap(blob, context))).message).toMatch(/wrapper is closed/);
    expect(await other.unwrap(blob, context)).toEqual(dataKey);
  });

  it('leaves the module as it found it: the last one to close finalizes it', async () => {
    const wrapper = open();
    await wrap(wrapper);
    const initialized = (): boolean => {
      const module = new pkcs11js.PKCS11();
      module.load(hsm.library);
      try {
        module.C_GetInfo();
        return true;
      } catch {
        return false;
      }
    };
    expect(initialized()).toBe(true);
    await wrapper.close();
    expect(initialized()).toBe(false);
  });

  it.each<[string, object, RegExp]>([
    ['neither a label nor a slot', { tokenLabel: undefined }, /needs either "tokenLabel" or "slot"/],
    ['both of them', { slot: 1 }, /needs either "tokenLabel" or "slot"/],
    ['no module', { library: '' }, /library: must be the path of a PKCS#11 module/],
    ['an empty PIN', { pin: '' }, /pin: must be a PIN or a function/],
    ['a label that is too long', { keys: ['x'.repeat(65)] }, /keys\.0: must be a label of 1 to 64/],
    ['a key twice', { keys: ['a', 'a'] }, /keys\.1: names a key that was named before/],
  ])('refuses %s at start', (_what, options, words) => {
    expect(() => open(options as never)).toThrow(words);
  });
});

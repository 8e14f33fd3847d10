import { describe, expect, it } from 'vitest';
import { randomBytes } from '../crypto/random.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';
import { parseKeyring, readKeyringFile } from './keyring.js';

const key = (): string => randomBytes(32).toString('base64');
const context = { dataKeyId: 'id', tenantId: 'acme', purpose: 'token' };

describe('a keyring', () => {
  it('takes the first key for wrapping, and unwraps with all', async () => {
    const [one, two] = [key(), key()];
    const old = new LocalKeyWrapper(parseKeyring(`1:${one}`).keyring);
    const both = new LocalKeyWrapper(parseKeyring(`2:${two},1:${one}`).keyring);
    const dataKey = randomBytes(32);
    const blob = await old.wrap(Buffer.from(dataKey), context, '1');
    expect(both.kekId).toBe('2');
    expect(await both.unwrap(blob, context)).toEqual(dataKey);
  });

  it('may be written on lines with comments', () => {
    const { keyring, faults } = parseKeyring(`# keys of production\n2:${key()} # since May\n\n1:${key()}\n`);
    expect(faults).toEqual([]);
    expect([...keyring.keys.keys()]).toEqual(['2', '1']);
  });

  const twice = key();
  it.each([
    ['is empty', '', /holds no key/],
    ['holds only blanks', ' , \n', /holds no key/],
    ['lacks an id', key(), /entry 1 has no colon/],
    ['has an id with a blank', `my key:${key()}`, /entry 1 id must be/],
    ['has a long id', `${'x'.repeat(17)}:${key()}`, /entry 1 id must be/],
    ['uses an id twice', `1:${key()},1:${key()}`, /entry 2 id "1" is used twice/],
    ['holds a key twice', `1:${twice},2:${twice}`, /ids "1" and "2" hold the same key/],
    ['holds a password', '1:correct horse battery staple', /entry 1 \(id "1"\) key is not base64/],
    ['holds a short key', `1:${randomBytes(16).toString('base64')}`, /must be 32 bytes, it has 16/],
    ['holds a long key', `1:${randomBytes(33).toString('base64')}`, /must be 32 bytes, it has 33/],
    ['holds zeros', `1:${Buffer.alloc(32).toString('base64')}`, /is not random/],
  ])('that %s is refused, and told how to write it', (_name, text, expected) => {
    expect(parseKeyring(text).faults.join('\n')).toMatch(expected);
  });

  it('names every fault at once and repeats no key material', () => {
    const secret = key().slice(0, 20);
    const { faults } = parseKeyring(`1:${secret},1:${key()},${secret}`);
    expect(faults.length).toBeGreaterThanOrEqual(2);
    expect(faults.join('\n')).not.toContain(secret);
  });

  it('that cannot be read names the file', () => {
    expect(readKeyringFile({ file: '/nowhere/keyring' }).fault).toMatch(
      /\/nowhere\/keyring cannot be read \(ENOENT\)/,
    );
  });

  it('tells a missing key from a key with other bytes', async () => {
    const blob = await new LocalKeyWrapper(parseKeyring(`1:${key()}`).keyring).wrap(
      randomBytes(32),
      context,
      '1',
    );
    await expect(
      new LocalKeyWrapper(parseKeyring(`2:${key()}`).keyring).unwrap(blob, context),
    ).rejects.toMatchObject({ reason: 'KEK_UNAVAILABLE' });
    await expect(
      new LocalKeyWrapper(parseKeyring(`1:${key()}`).keyring).unwrap(blob, context),
    ).rejects.toMatchObject({ reason: 'KEK_UNWRAP_FAILED' });
    await expect(
      new LocalKeyWrapper(parseKeyring(`1:${key()}`).keyring).unwrap(Buffer.alloc(5), context),
    ).rejects.toMatchObject({ reason: 'KEK_UNWRAP_FAILED' });
  });
});

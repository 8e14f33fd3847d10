import { describeKeyWrapper } from '../../../../test/support/kms/conformance.js';
import { randomBytes } from '../crypto/random.js';
import { parseKeyring } from '../keys/keyring.js';
import { LocalKeyWrapper } from '../keys/local-key-wrapper.js';

// The keyring has no entry point of its own to be tested through.
describeKeyWrapper('A keyring', () => {
  const keys = new Map(['2026', '2027'].map((id) => [id, randomBytes(32).toString('base64')]));
  return {
    keys: ['2026', '2027'],
    open: (ids) =>
      new LocalKeyWrapper(parseKeyring(ids.map((id) => `${id}:${keys.get(id)}`).join(',')).keyring),
    secrets: [...keys.values()],
  };
});

import { randomBytes } from 'node:crypto';
import { AwsKeyWrapper } from '@tokenward/nestjs/kms/aws';
import { Pkcs11KeyWrapper } from '@tokenward/nestjs/kms/pkcs11';
import { VaultKeyWrapper } from '@tokenward/nestjs/kms/vault';
import { describe } from 'vitest';
import { type KeyService, RemoteKeyWrapper } from '../../examples/key-wrapper.js';
import { startAwsKms } from '../support/kms/aws.js';
import { describeKeyWrapper } from '../support/kms/conformance.js';
import { open, seal } from '../support/kms/gcm.js';
import { SoftHsm } from '../support/kms/softhsm.js';
import { startVault } from '../support/kms/vault.js';
import { requirement } from '../support/optional.js';

describeKeyWrapper('AWS KMS', async () => {
  const kms = await startAwsKms();
  const keys = [kms.createKey(), kms.createKey()] as const;
  const arns = new Map(keys.map(({ id, arn }) => [id, arn]));
  return {
    keys: [keys[0].id, keys[1].id],
    open: (ids) => new AwsKeyWrapper({ client: kms.client(), keyIds: ids.map((id) => arns.get(id)!) }),
    secrets: [kms.secretAccessKey],
    stop: () => kms.service.stop(),
  };
});

describeKeyWrapper('Vault', async () => {
  const vault = await startVault();
  for (const name of ['tokens-2026', 'tokens-2027']) vault.createKey(name);
  return {
    keys: ['tokens-2026', 'tokens-2027'],
    open: (keys) =>
      new VaultKeyWrapper({
        address: vault.service.origin,
        token: vault.token,
        keys: [...keys],
        allowInsecureRequests: true,
      }),
    secrets: [vault.token],
    stop: () => vault.service.stop(),
  };
});

describeKeyWrapper('Vault with two versions of one key', async () => {
  const vault = await startVault();
  vault.createKey('tokens');
  vault.rotateKey('tokens');
  return {
    keys: ['tokens:1', 'tokens:2'],
    open: (keys) =>
      new VaultKeyWrapper({
        address: vault.service.origin,
        token: () => `${vault.token}\n`,
        keys: [...keys],
        allowInsecureRequests: true,
      }),
    secrets: [vault.token],
    stop: () => vault.service.stop(),
  };
});

describe.skipIf(!requirement('softhsm').available)('With SoftHSM', () => {
  describeKeyWrapper('PKCS#11', () => {
    const hsm = new SoftHsm();
    for (const label of ['tokens-2026', 'tokens-2027']) hsm.createKey(label);
    const { library, tokenLabel, pin } = hsm;
    return {
      keys: ['tokens-2026', 'tokens-2027'],
      open: (keys) => new Pkcs11KeyWrapper({ library, tokenLabel, pin, keys: [...keys] }),
      secrets: [pin],
      stop: () => hsm.remove(),
    };
  });
});

describeKeyWrapper('The example of the documentation', () => {
  const keys = new Map(['main', 'next'].map((name) => [name, randomBytes(32)]));
  const service: KeyService = {
    encrypt: async (name, plaintext, associatedData) =>
      seal(keys.get(name)!, Buffer.from(associatedData), Buffer.from(plaintext)),
    decrypt: async (name, ciphertext, associatedData) =>
      open(keys.get(name)!, Buffer.from(associatedData), Buffer.from(ciphertext)),
  };
  return {
    keys: ['main', 'next'],
    open: ([first, ...rest]) => new RemoteKeyWrapper(service, [first!, ...rest]),
  };
});

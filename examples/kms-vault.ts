import { readFile } from 'node:fs/promises';
import type { TokenModuleOptions } from '@tokenward/nestjs';
import { VaultKeyWrapper } from '@tokenward/nestjs/kms/vault';

/** Vault Agent, or the agent of OpenBao, logs in and renews; it leaves the token in a file. */
export const encryption = (): TokenModuleOptions['encryption'] => ({
  wrapper: new VaultKeyWrapper({
    address: 'https://vault.example.com:8200',
    token: () => readFile('/run/vault/token', 'utf8'),
    keys: ['tokenward:1'],
  }),
});

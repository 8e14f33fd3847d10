import { readFileSync } from 'node:fs';
import type { TokenModuleOptions } from '@tokenward/nestjs';
import { Pkcs11KeyWrapper } from '@tokenward/nestjs/kms/pkcs11';

/** The module is the library that the maker of the HSM ships; this one is SoftHSM's. */
export const encryption = (): TokenModuleOptions['encryption'] => ({
  wrapper: new Pkcs11KeyWrapper({
    library: '/usr/lib/softhsm/libsofthsm2.so',
    tokenLabel: 'tokenward',
    pin: () => readFileSync('/run/secrets/hsm-pin', 'utf8').trim(),
    keys: ['tokens-2026'],
  }),
});

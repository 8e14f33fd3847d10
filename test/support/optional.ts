import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findMariadb, findProgram } from './servers/find-mariadb.js';
import { SmallDisk } from './small-disk.js';

const vectors = fileURLToPath(new URL('../../../shared/vectors/aes_gcm_test.json', import.meta.url));

/** Where Debian has it; a symbolic link leads to the real place on every architecture. */
export const SOFTHSM_LIBRARY = '/usr/lib/softhsm/libsofthsm2.so';

/** What some tests need beyond `npm ci`: each entry says why it is missing, or nothing when it is there. */
const requirements = {
  mariadb: () => (findMariadb() ? undefined : 'no MariaDB (mariadbd is not installed)'),
  pgbouncer: () => (findProgram('pgbouncer') ? undefined : 'no PgBouncer (pgbouncer is not installed)'),
  chromium: () =>
    existsSync('/usr/bin/chromium') ? undefined : 'no browser (/usr/bin/chromium is not installed)',
  softhsm: () =>
    existsSync(SOFTHSM_LIBRARY) ? undefined : `no HSM (SoftHSM is not installed: ${SOFTHSM_LIBRARY})`,
  smallDisk: () =>
    userInfo().uid === 0 && SmallDisk.isPossible()
      ? undefined
      : 'no small disk (a tmpfs cannot be mounted here)',
  vectors: () => (existsSync(vectors) ? undefined : 'no test vectors (aes_gcm_test.json is not there)'),
};

export type RequirementName = keyof typeof requirements;
export type Requirement = { available: true } | { available: false; reason: string };

const isRequirement = (name: string): name is RequirementName => Object.hasOwn(requirements, name);

/** Names in TOKENWARD_REQUIRE must be present: there a missing part is a failure, not a skip. */
export function strictlyRequired(): RequirementName[] {
  const names = (process.env['TOKENWARD_REQUIRE'] ?? '').split(',').map((name) => name.trim());
  return names
    .filter((name) => name !== '')
    .map((name) => {
      if (isRequirement(name)) return name;
      throw new Error(`TOKENWARD_REQUIRE names "${name}"; known: ${Object.keys(requirements).join(', ')}`);
    });
}

export function requirement(name: RequirementName): Requirement {
  const reason = requirements[name]();
  if (reason === undefined) return { available: true };
  if (strictlyRequired().includes(name)) throw new Error(`TOKENWARD_REQUIRE asks for ${name}: ${reason}`);
  return { available: false, reason };
}

/** Why tests were skipped on this machine, in words for the end of the run. */
export function missingReasons(): string[] {
  return Object.values(requirements)
    .map((missing) => missing())
    .filter((reason) => reason !== undefined);
}

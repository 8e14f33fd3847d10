import pkcs11js, { type PKCS11 } from 'pkcs11js';
import { KeyError } from '../keys/key-wrapper.js';
import { ckrOf } from './pkcs11-errors.js';

interface Loaded {
  module: PKCS11;
  users: number;
  /** Who has initialized it, finalizes it. */
  initializedHere: boolean;
}

/** A process initializes a module once, however many wrappers use it. Never unloaded: modules do not survive that well. */
const loaded = new Map<string, Loaded>();

function load(library: string): Loaded {
  const module = new pkcs11js.PKCS11();
  try {
    module.load(library);
  } catch {
    throw new KeyError('KEK_UNAVAILABLE', `the PKCS#11 module ${library} cannot be loaded`);
  }
  return { module, users: 0, initializedHere: false };
}

function initialize(entry: Loaded): void {
  try {
    entry.module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    entry.initializedHere = true;
  } catch (error) {
    if (ckrOf(error) !== 'CKR_CRYPTOKI_ALREADY_INITIALIZED') throw error;
  }
}

/** The module, ready for use; each call needs a `releaseModule`. @throws KeyError when it cannot be loaded */
export function acquireModule(library: string): PKCS11 {
  const entry = loaded.get(library) ?? load(library);
  loaded.set(library, entry);
  initialize(entry);
  entry.users += 1;
  return entry.module;
}

/** The last one out finalizes the module, which logs out and ends all sessions. */
export function releaseModule(library: string): void {
  const entry = loaded.get(library);
  if (!entry) return;
  entry.users -= 1;
  if (entry.users > 0 || !entry.initializedHere) return;
  entry.initializedHere = false;
  try {
    entry.module.C_Finalize();
  } catch (error) {
    if (ckrOf(error) === null) throw error;
  }
}

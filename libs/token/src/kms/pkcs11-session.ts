import pkcs11js, { type Handle, type PKCS11 } from 'pkcs11js';
import { KeyError } from '../keys/key-wrapper.js';
import { ckrOf, isPinRefused, isSessionLost, pkcs11KeyError } from './pkcs11-errors.js';
import { acquireModule, releaseModule } from './pkcs11-module.js';

export interface Pkcs11Token {
  library: string;
  tokenLabel?: string | undefined;
  slot?: number | undefined;
  pin: string | (() => string);
}

/** What one call into the token needs. */
export interface Pkcs11Call {
  module: PKCS11;
  session: Handle;
  key: Handle;
}

interface OpenSession {
  module: PKCS11;
  session: Handle;
  keys: Map<string, Handle>;
}

/** One logged-in session, opened at the first use and again after it was lost. All calls are synchronous, so none overlap. */
export class Pkcs11Session {
  readonly #token: Pkcs11Token;
  #open: OpenSession | null = null;
  #refusedPin: string | null = null;
  #closed = false;

  constructor(token: Pkcs11Token) {
    this.#token = token;
  }

  /** Runs `work` with the secret key that has this label; once more in a new session when the old one has ended. */
  use<T>(label: string, work: (call: Pkcs11Call) => T): T {
    if (this.#closed) throw new KeyError('KEK_UNAVAILABLE', 'the PKCS#11 wrapper is closed');
    const attempt = (): T => {
      const { module, session, keys } = (this.#open ??= this.open());
      const key = keys.get(label) ?? findKey(module, session, label);
      keys.set(label, key);
      return work({ module, session, key });
    };
    try {
      return attempt();
    } catch (error) {
      if (!isSessionLost(error)) throw error;
      this.drop();
      return attempt();
    }
  }

  close(): void {
    this.#closed = true;
    this.drop();
  }

  private open(): OpenSession {
    const { library } = this.#token;
    const module = acquireModule(library);
    try {
      const session = module.C_OpenSession(findSlot(module, this.#token), pkcs11js.CKF_SERIAL_SESSION);
      try {
        this.logIn(module, session);
        return { module, session, keys: new Map() };
      } catch (error) {
        quietly(() => module.C_CloseSession(session));
        throw error;
      }
    } catch (error) {
      releaseModule(library);
      throw error;
    }
  }

  private drop(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = null;
    quietly(() => open.module.C_CloseSession(open.session));
    releaseModule(this.#token.library);
  }

  /** A PIN that was refused is not tried again: a few more attempts would lock the token. */
  private logIn(module: PKCS11, session: Handle): void {
    const pin = this.readPin();
    if (pin === this.#refusedPin)
      throw new KeyError(
        'KEK_UNAVAILABLE',
        'the PIN was refused before; it is not tried again until it changes',
      );
    try {
      module.C_Login(session, pkcs11js.CKU_USER, pin);
    } catch (error) {
      // All sessions of a process share one log-in.
      if (ckrOf(error) === 'CKR_USER_ALREADY_LOGGED_IN') return;
      if (isPinRefused(error)) this.#refusedPin = pin;
      throw pkcs11KeyError(error);
    }
  }

  private readPin(): string {
    const { pin } = this.#token;
    try {
      const value: unknown = typeof pin === 'function' ? pin() : pin;
      if (typeof value === 'string' && value !== '') return value;
    } catch {
      // Said below: the error may hold anything.
    }
    throw new KeyError('KEK_UNAVAILABLE', 'the PIN could not be read, or is empty');
  }
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // What ends here may have ended already.
  }
}

/** `CK_SLOT_ID` is an unsigned long of the platform, which is little-endian wherever Node runs with PKCS#11. */
const slotNumber = (slot: Handle): number =>
  slot.length === 8 ? Number(slot.readBigUInt64LE()) : slot.readUInt32LE();

function findSlot(module: PKCS11, { tokenLabel, slot }: Pkcs11Token): Handle {
  const found = module
    .C_GetSlotList(true)
    .filter((candidate) =>
      slot === undefined
        ? module.C_GetTokenInfo(candidate).label.trimEnd() === tokenLabel
        : slotNumber(candidate) === slot,
    );
  if (found.length === 1) return found[0]!;
  const name = slot === undefined ? `labelled "${tokenLabel}"` : `in slot ${slot}`;
  throw new KeyError(
    'KEK_UNAVAILABLE',
    found.length === 0
      ? `there is no PKCS#11 token ${name}`
      : `several PKCS#11 tokens are ${name}: name the slot`,
  );
}

function findKey(module: PKCS11, session: Handle, label: string): Handle {
  module.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_LABEL, value: label },
  ]);
  let found: Handle[];
  try {
    found = module.C_FindObjects(session, 2);
  } finally {
    module.C_FindObjectsFinal(session);
  }
  if (found.length === 1) return found[0]!;
  throw new KeyError(
    'KEK_UNAVAILABLE',
    found.length === 0
      ? `the PKCS#11 token has no AES-256 key "${label}" that cannot be extracted: the key was not found`
      : `the PKCS#11 token has several keys "${label}": labels must be unique`,
  );
}

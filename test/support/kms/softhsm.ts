import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomInt } from 'node:crypto';
import pkcs11js, { type Handle, type PKCS11, type Template } from 'pkcs11js';
import { SOFTHSM_LIBRARY } from '../optional.js';

const LABEL = 'tokenward-test';

/** A SoftHSM token in a directory of its own. */
export class SoftHsm {
  readonly library = SOFTHSM_LIBRARY;
  readonly tokenLabel = LABEL;
  readonly pin = String(randomInt(100_000_000, 999_999_999));
  private readonly directory = mkdtempSync(join(tmpdir(), 'softhsm-'));

  constructor() {
    const tokens = join(this.directory, 'tokens');
    const configuration = join(this.directory, 'softhsm2.conf');
    mkdirSync(tokens);
    writeFileSync(
      configuration,
      `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`,
    );
    process.env['SOFTHSM2_CONF'] = configuration;
    this.createToken(LABEL);
  }

  createToken(label: string): void {
    const pins = ['--so-pin', this.pin, '--pin', this.pin];
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins]);
  }

  /** What an administrator does with `pkcs11-tool --keygen`. */
  createKey(label: string, attributes: Template = []): void {
    this.asAdministrator((module, session) => {
      const given = new Set(attributes.map(({ type }) => type));
      const usual: Template = [
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
        { type: pkcs11js.CKA_TOKEN, value: true },
        { type: pkcs11js.CKA_PRIVATE, value: true },
        { type: pkcs11js.CKA_SENSITIVE, value: true },
        { type: pkcs11js.CKA_EXTRACTABLE, value: false },
        { type: pkcs11js.CKA_ENCRYPT, value: true },
        { type: pkcs11js.CKA_DECRYPT, value: true },
        { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
        { type: pkcs11js.CKA_LABEL, value: label },
      ];
      module.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
        ...usual.filter(({ type }) => !given.has(type)),
        ...attributes,
      ]);
    });
  }

  deleteKeys(label: string): void {
    this.asAdministrator((module, session) => {
      module.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_LABEL, value: label }]);
      const found = module.C_FindObjects(session, 10);
      module.C_FindObjectsFinal(session);
      for (const key of found) module.C_DestroyObject(session, key);
    });
  }

  /** As a broken disk would. */
  loseFiles(): void {
    rmSync(join(this.directory, 'tokens'), { recursive: true });
  }

  /** Uses the module of this process beside the wrapper, as another part of an application may. */
  withModule(work: (module: PKCS11, slot: Handle) => void): void {
    const module = new pkcs11js.PKCS11();
    module.load(this.library);
    const initialized = initialize(module);
    try {
      work(module, this.slot(module));
    } finally {
      if (initialized) module.C_Finalize();
    }
  }

  slotId(): number {
    let id = 0;
    this.withModule((_module, slot) => {
      id = Number(slot.readBigUInt64LE());
    });
    return id;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  private asAdministrator(work: (module: PKCS11, session: Handle) => void): void {
    this.withModule((module, slot) => {
      const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
      try {
        logIn(module, session, this.pin);
        work(module, session);
      } finally {
        module.C_CloseSession(session);
      }
    });
  }

  private slot(module: PKCS11): Handle {
    return module.C_GetSlotList(true).find((slot) => module.C_GetTokenInfo(slot).label.trimEnd() === LABEL)!;
  }
}

/** False when somebody else has initialized the module already. */
function initialize(module: PKCS11): boolean {
  try {
    module.C_Initialize();
    return true;
  } catch (error) {
    if ((error as Error).message === 'CKR_CRYPTOKI_ALREADY_INITIALIZED') return false;
    throw error;
  }
}

function logIn(module: PKCS11, session: Handle, pin: string): void {
  try {
    module.C_Login(session, pkcs11js.CKU_USER, pin);
  } catch (error) {
    if ((error as Error).message !== 'CKR_USER_ALREADY_LOGGED_IN') throw error;
  }
}

import { DecryptionError, KeyUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import type { ResolvedTokenRef } from '../common/tokens.js';
import { RecordError } from '../crypto/record.js';
import { recordFromText, recordToText } from '../crypto/record-text.js';
import { EncryptionService } from '../encryption/encryption.service.js';
import { FencedWriteError, type SealedCells } from './token-rows.js';

/** The secrets of one token set, opened. */
export interface OpenedTokens {
  accessToken: string | null;
  refreshToken: string | null;
  idToken: string | null;
  /** The private key that they are bound to, as `DpopKey.text`. */
  dpopKey: string | null;
}

/** As much of it as sending the access token needs. */
export type OpenedAccess = Pick<OpenedTokens, 'dpopKey'> & { accessToken: string };

const FIELDS = {
  accessCt: 'access_token',
  refreshCt: 'refresh_token',
  idCt: 'id_token',
  dpopCt: 'dpop_key',
} as const;
const CELLS = {
  accessCt: 'accessToken',
  refreshCt: 'refreshToken',
  idCt: 'idToken',
  dpopCt: 'dpopKey',
} as const;
const EMPTY: SealedCells = { accessCt: null, refreshCt: null, idCt: null, dpopCt: null };
/** Its own name: a cell that was moved from a token row into the outbox does not open. */
const REVOCABLE = 'revocable_token';
const FENCED_ATTEMPTS = 3;

/** Seals texts by their names, for the file with this id, at once. */
export type Sealer = (fileId: string, texts: Readonly<Record<string, string>>) => Record<string, string>;

type RowId = Pick<ResolvedTokenRef, 'tenantId'> & { id: string };

/** The only place where token secrets are sealed and opened. Each is bound to tenant, row and column. */
export class TokenStore {
  constructor(
    private readonly encryption: EncryptionService,
    private readonly events: TokenEvents,
  ) {}

  /** Opens one cell. @throws DecryptionError | KeyUnavailableError */
  async open(row: RowId, cell: keyof SealedCells, text: string): Promise<string> {
    const context = { tenantId: row.tenantId, recordId: row.id, field: FIELDS[cell] };
    return (await this.encryption.decrypt(this.recordOf(row, FIELDS[cell], text), context)).toString('utf8');
  }

  private recordOf(row: RowId, field: string, text: string): Buffer {
    try {
      return recordFromText(text);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      const { reason } = error;
      this.events.emit({ type: 'decryption_failed', reason, recordId: row.id, field });
      throw new DecryptionError(reason);
    }
  }

  async openAll(row: RowId & SealedCells): Promise<OpenedTokens> {
    const open = async (cell: keyof SealedCells): Promise<string | null> =>
      row[cell] === null ? null : this.open(row, cell, row[cell]);
    const [accessToken, refreshToken, idToken, dpopKey] = await Promise.all([
      open('accessCt'),
      open('refreshCt'),
      open('idCt'),
      open('dpopCt'),
    ]);
    return { accessToken, refreshToken, idToken, dpopKey };
  }

  /** The access token of a row that has one, and the key that it is bound to. @throws DecryptionError | KeyUnavailableError */
  async openAccess(row: RowId & Pick<SealedCells, 'accessCt' | 'dpopCt'>): Promise<OpenedAccess> {
    const accessToken = await this.open(row, 'accessCt', row.accessCt!);
    return { accessToken, dpopKey: row.dpopCt === null ? null : await this.open(row, 'dpopCt', row.dpopCt) };
  }

  /**
   * Seals all cells under one data key and writes them. Where the database refuses that key as retired, the tokens are
   * still in memory: they are sealed again under the current one.
   */
  async sealAndWrite<T>(
    row: RowId,
    tokens: OpenedTokens,
    write: (cells: SealedCells) => Promise<T>,
  ): Promise<T> {
    return this.untilAccepted(row, async () => write(await this.sealAll(row, tokens)));
  }

  /** The same for a token that goes to the outbox, whose row there is `row`. */
  async sealRevocable<T>(row: RowId, token: string, write: (text: string) => Promise<T>): Promise<T> {
    return this.untilAccepted(row, async () => {
      const fields = [{ field: REVOCABLE, plaintext: token }];
      const [record] = await this.encryption.encryptRow({ tenantId: row.tenantId, recordId: row.id }, fields);
      return write(recordToText(record!));
    });
  }

  /** Opens a token of the outbox. @throws DecryptionError | KeyUnavailableError */
  async openRevocable(row: RowId, text: string): Promise<string> {
    const context = { tenantId: row.tenantId, recordId: row.id, field: REVOCABLE };
    return (await this.encryption.decrypt(this.recordOf(row, REVOCABLE, text), context)).toString('utf8');
  }

  private async untilAccepted<T>(row: RowId, sealAndWrite: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await sealAndWrite();
      } catch (error) {
        if (!(error instanceof FencedWriteError)) throw error;
        if (attempt === FENCED_ATTEMPTS) throw new KeyUnavailableError(error.reason);
        this.keyRefused(row.tenantId);
      }
    }
  }

  /** The database has refused what was sealed: the key was retired. The next seal asks which one is current. */
  keyRefused(tenantId: string): void {
    this.events.emit({ type: 'write_fenced' });
    this.keyReplaced(tenantId);
  }

  /** The tenant's key is known not to be the active one any more. The next seal asks which one is. */
  keyReplaced(tenantId: string): void {
    this.encryption.keyRefused(tenantId);
  }

  /**
   * The same tokens under the tenant's active key, opened again and compared before anybody may write them.
   * @throws DecryptionError, also when what was sealed does not open to the same tokens · KeyUnavailableError
   */
  async reseal(row: RowId & SealedCells): Promise<SealedCells> {
    const cells = (Object.keys(FIELDS) as (keyof SealedCells)[]).filter((cell) => row[cell] !== null);
    const records = await this.encryption.resealRow(
      { tenantId: row.tenantId, recordId: row.id },
      cells.map((cell) => ({ field: FIELDS[cell], record: this.recordOf(row, FIELDS[cell], row[cell]!) })),
    );
    const sealed = { ...EMPTY };
    cells.forEach((cell, index) => {
      sealed[cell] = recordToText(records[index]!);
    });
    return sealed;
  }

  /**
   * Seals texts for a file, bound to `fileId` and their names. Fails where tokens of this tenant could not be sealed now:
   * better known before they are asked for. What it returns needs neither database nor key service. @throws KeyUnavailableError
   */
  async sealerFor(row: RowId): Promise<Sealer> {
    const seal = await this.encryption.sealer({ tenantId: row.tenantId, recordId: row.id });
    return (fileId, texts) => {
      const fields = Object.entries(texts).map(([field, plaintext]) => ({ field, plaintext }));
      const records = seal(fileId, fields);
      return Object.fromEntries(fields.map(({ field }, index) => [field, recordToText(records[index]!)]));
    };
  }

  /**
   * Opens what a sealer has sealed, also when its key was retired since: retiring looks at rows only.
   * @throws DecryptionError | KeyUnavailableError
   */
  async openFile(
    file: RowId,
    sealed: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>> {
    const opened: Record<string, string> = {};
    for (const [field, text] of Object.entries(sealed)) {
      const context = { tenantId: file.tenantId, recordId: file.id, field };
      const plaintext = await this.encryption.decryptEvenRetired(this.recordOf(file, field, text), context);
      opened[field] = plaintext.toString('utf8');
    }
    return opened;
  }

  private async sealAll(row: RowId, tokens: OpenedTokens): Promise<SealedCells> {
    const present = (Object.keys(CELLS) as (keyof SealedCells)[]).flatMap((cell) => {
      const plaintext = tokens[CELLS[cell]];
      return plaintext === null ? [] : [{ cell, field: FIELDS[cell], plaintext }];
    });
    const records = await this.encryption.encryptRow({ tenantId: row.tenantId, recordId: row.id }, present);
    const cells = { ...EMPTY };
    present.forEach(({ cell }, index) => {
      cells[cell] = recordToText(records[index]!);
    });
    return cells;
  }
}

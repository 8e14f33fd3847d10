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
}

const FIELDS = { accessCt: 'access_token', refreshCt: 'refresh_token', idCt: 'id_token' } as const;
const FENCED_ATTEMPTS = 3;

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
    let record: Buffer;
    try {
      record = recordFromText(text);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.events.emit({
        type: 'decryption_failed',
        reason: error.reason,
        recordId: row.id,
        field: context.field,
      });
      throw new DecryptionError();
    }
    return (await this.encryption.decrypt(record, context)).toString('utf8');
  }

  async openAll(row: RowId & SealedCells): Promise<OpenedTokens> {
    const open = async (cell: keyof SealedCells): Promise<string | null> =>
      row[cell] === null ? null : this.open(row, cell, row[cell]);
    const [accessToken, refreshToken, idToken] = await Promise.all([
      open('accessCt'),
      open('refreshCt'),
      open('idCt'),
    ]);
    return { accessToken, refreshToken, idToken };
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
    for (let attempt = 1; ; attempt++) {
      const cells = await this.sealAll(row, tokens);
      try {
        return await write(cells);
      } catch (error) {
        if (!(error instanceof FencedWriteError)) throw error;
        if (attempt === FENCED_ATTEMPTS) throw new KeyUnavailableError(error.reason);
        this.encryption.keyRefused(row.tenantId);
      }
    }
  }

  private async sealAll(row: RowId, tokens: OpenedTokens): Promise<SealedCells> {
    const seal = async (cell: keyof SealedCells, value: string | null): Promise<string | null> =>
      value === null
        ? null
        : recordToText(
            await this.encryption.encrypt(value, {
              tenantId: row.tenantId,
              recordId: row.id,
              field: FIELDS[cell],
            }),
          );
    const cells = {
      accessCt: await seal('accessCt', tokens.accessToken),
      refreshCt: await seal('refreshCt', tokens.refreshToken),
      idCt: await seal('idCt', tokens.idToken),
    };
    return cells;
  }
}

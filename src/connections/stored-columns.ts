import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { TokenEntity, type StoredToken } from '@tokenward/nestjs';
import { Repository } from 'typeorm';

/** The secrets of a token set as the database holds them. */
export interface Encrypted {
  accessToken: string | null;
  refreshToken: string | null;
  idToken: string | null;
  keyId: string | null;
}

interface Columns {
  encrypted: Encrypted | null;
  retryAt: Date | null;
}

/** Reads the stored columns as they are: without a key, as a thief of the database would. */
@Injectable()
export class StoredColumns {
  constructor(@InjectRepository(TokenEntity) private readonly rows: Repository<TokenEntity>) {}

  async of({ tenantId, userId, provider, account }: StoredToken): Promise<Columns> {
    const row = await this.rows.findOneBy({ tenantId, userId, provider, account });
    if (!row) return { encrypted: null, retryAt: null };
    return {
      encrypted: {
        accessToken: row.accessCt,
        refreshToken: row.refreshCt,
        idToken: row.idCt,
        keyId: row.keyId,
      },
      retryAt: row.retryAfter === null ? null : new Date(row.retryAfter),
    };
  }
}

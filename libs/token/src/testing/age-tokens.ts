import { TokenInputError } from '../common/errors.js';
import { epochMilliseconds } from '../database/entities/epoch-milliseconds.js';
import { LineageEntity } from '../database/entities/lineage.entity.js';
import { ProviderStateEntity } from '../database/entities/provider-state.entity.js';
import { SessionEntity } from '../database/entities/session.entity.js';
import { TokenEntity } from '../database/entities/token.entity.js';

/** As much of TypeORM's `DataSource` as is needed here. */
export interface AgeingDataSource {
  getMetadata(entity: Function): {
    tablePath: string;
    columns: readonly { databaseName: string; transformer?: unknown }[];
  };
  query(statement: string): Promise<unknown>;
}

/**
 * Moves every instant of the stored tokens (expiry, back-off, claims), of the providers' circuits, of the sessions and of a hold
 * after a restore `seconds` into the past, as if so much time had gone by at the database. What a replica has in memory goes
 * by its `Clock`.
 * @throws TokenInputError for a time that goes backwards
 */
export async function ageTokens(dataSource: AgeingDataSource, seconds: number): Promise<void> {
  if (!Number.isFinite(seconds) || seconds < 0)
    throw new TokenInputError('seconds', 'must be a number, 0 or more');
  const milliseconds = Math.round(seconds * 1000);
  for (const entity of [TokenEntity, ProviderStateEntity, LineageEntity, SessionEntity]) {
    const { tablePath, columns } = dataSource.getMetadata(entity);
    const changes = columns
      .filter(({ transformer }) => transformer === epochMilliseconds.transformer)
      .map(({ databaseName: name }) => `${name} = ${name} - ${milliseconds}`);
    await dataSource.query(`UPDATE ${tablePath} SET ${changes.join(', ')}`);
  }
}

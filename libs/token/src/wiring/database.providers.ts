import type { Provider } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import { Clock } from '../common/clock.js';
import { isProduction } from '../common/environment.js';
import { Database } from '../database/database.js';
import { sessionsOf } from '../database/sessions.js';
import { SqlAuthorizationRows } from '../database/sql-authorization-rows.js';
import { SqlClaims } from '../database/sql-claims.js';
import { SqlDataKeyRows } from '../database/sql-data-key-rows.js';
import { SqlKekRows } from '../database/sql-kek-rows.js';
import { SqlKeyReports } from '../database/sql-key-reports.js';
import { SqlKeyTransitions } from '../database/sql-key-transitions.js';
import { SqlLineage } from '../database/sql-lineage.js';
import { SqlLogoutTokenRows } from '../database/sql-logout-token-rows.js';
import { SqlProviderStates } from '../database/sql-provider-states.js';
import { SqlRevocationRows } from '../database/sql-revocation-rows.js';
import { SqlSealedRows } from '../database/sql-sealed-rows.js';
import { SqlSessionRows } from '../database/sql-session-rows.js';
import { SqlTokenRows } from '../database/sql-token-rows.js';
import { DataKeyRows } from '../keys/data-key-rows.js';
import { KekRows } from '../keys/kek-rows.js';
import { KeyReports } from '../keys/key-reports.js';
import { KeyTransitions } from '../keys/key-transitions.js';
import { KeyWrapper } from '../keys/key-wrapper.js';
import { Claims } from '../refresh/claims.js';
import { SessionConnector } from '../refresh/session-connector.js';
import { AuthorizationRows, LogoutTokenRows } from '../store/authorization-rows.js';
import { Lineage } from '../store/lineage.js';
import { ProviderStates } from '../store/provider-states.js';
import { RevocationRows } from '../store/revocation-rows.js';
import { SealedRows } from '../store/sealed-rows.js';
import { SessionRows } from '../store/session-rows.js';
import { TokenRows } from '../store/token-rows.js';
import type { ResolvedOptions } from '../token.options.validation.js';
import { provide } from '../common/provide.js';
import { OPTIONS } from './tokens.js';

/** The ports, as the database of the host carries them out. */
export const databaseProviders: Provider[] = [
  provide(
    Database,
    [{ token: getDataSourceToken(), optional: true }],
    (dataSource: ConstructorParameters<typeof Database>[0]) => new Database(dataSource, isProduction()),
  ),
  provide(TokenRows, [Database], (database: Database) => new SqlTokenRows(database)),
  provide(SessionConnector, [Database, Clock], (database: Database, clock: Clock) =>
    sessionsOf(database, clock),
  ),
  provide(Claims, [Database], (database: Database) => new SqlClaims(database)),
  provide(DataKeyRows, [Database], (database: Database) => new SqlDataKeyRows(database)),
  provide(KekRows, [Database], (database: Database) => new SqlKekRows(database)),
  provide(KeyTransitions, [Database], (database: Database) => new SqlKeyTransitions(database)),
  provide(KeyReports, [Database], (database: Database) => new SqlKeyReports(database)),
  provide(SealedRows, [Database], (database: Database) => new SqlSealedRows(database)),
  provide(RevocationRows, [Database], (database: Database) => new SqlRevocationRows(database)),
  provide(ProviderStates, [Database], (database: Database) => new SqlProviderStates(database)),
  provide(Lineage, [Database], (database: Database) => new SqlLineage(database)),
  provide(SessionRows, [Database], (database: Database) => new SqlSessionRows(database)),
  provide(AuthorizationRows, [Database], (database: Database) => new SqlAuthorizationRows(database)),
  provide(LogoutTokenRows, [Database], (database: Database) => new SqlLogoutTokenRows(database)),
  provide(KeyWrapper, [OPTIONS], ({ wrapper }: ResolvedOptions) => wrapper),
];

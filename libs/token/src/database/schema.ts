import { AuthorizationEntity } from './entities/authorization.entity.js';
import { DataKeyEntity } from './entities/data-key.entity.js';
import { KekEntity } from './entities/kek.entity.js';
import { KeyAuditEntity } from './entities/key-audit.entity.js';
import { LineageEntity } from './entities/lineage.entity.js';
import { LogoutTokenEntity } from './entities/logout-token.entity.js';
import { ProviderStateEntity } from './entities/provider-state.entity.js';
import { ReplicaEntity } from './entities/replica.entity.js';
import { RevocationEntity } from './entities/revocation.entity.js';
import { SessionEntity } from './entities/session.entity.js';
import { TokenEntity } from './entities/token.entity.js';
import { CreateTokenwardTables1764000000000 } from './migrations/1764000000000-create-tokenward-tables.js';
import { AddKeyRotation1764100000000 } from './migrations/1764100000000-add-key-rotation.js';
import { AddRevocationOutbox1764200000000 } from './migrations/1764200000000-add-revocation-outbox.js';
import { AddClaimReplica1764300000000 } from './migrations/1764300000000-add-claim-replica.js';
import { AddProviderStates1764400000000 } from './migrations/1764400000000-add-provider-states.js';
import { AddDpopKey1764500000000 } from './migrations/1764500000000-add-dpop-key.js';
import { AddLineage1764600000000 } from './migrations/1764600000000-add-lineage.js';
import { AddSessions1764700000000 } from './migrations/1764700000000-add-sessions.js';
import { AddAuthorizations1764800000000 } from './migrations/1764800000000-add-authorizations.js';

/** Put these into your DataSource: `entities: [...tokenEntities, …]`. */
export const tokenEntities = [
  TokenEntity,
  DataKeyEntity,
  KekEntity,
  KeyAuditEntity,
  ReplicaEntity,
  RevocationEntity,
  ProviderStateEntity,
  LineageEntity,
  SessionEntity,
  AuthorizationEntity,
  LogoutTokenEntity,
] as const;

/** Put these into your DataSource: `migrations: [...tokenMigrations, …]`. They run forward and back on every supported database. */
export const tokenMigrations = [
  CreateTokenwardTables1764000000000,
  AddKeyRotation1764100000000,
  AddRevocationOutbox1764200000000,
  AddClaimReplica1764300000000,
  AddProviderStates1764400000000,
  AddDpopKey1764500000000,
  AddLineage1764600000000,
  AddSessions1764700000000,
  AddAuthorizations1764800000000,
] as const;

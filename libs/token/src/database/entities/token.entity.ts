import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { TokenStatus } from '../../common/tokens.js';
import { KEY_ID_LENGTH, KEY_ID_POSITION } from '../../crypto/record-text.js';
import { DataKeyEntity } from './data-key.entity.js';
import { epochMilliseconds } from './epoch-milliseconds.js';

const keyIdIn = (column: string): string => `substr(${column}, ${KEY_ID_POSITION}, ${KEY_ID_LENGTH})`;

/** The key id out of the first sealed cell. The database computes it, so it cannot disagree with the bytes. */
export const KEY_ID_EXPRESSION = keyIdIn('COALESCE(access_ct, refresh_ct, id_ct)');

/** All sealed cells of a row are under the one key that the row points at. */
export const ONE_KEY_CHECK = {
  name: 'ck_tokenward_tokens_one_key',
  expression: `(refresh_ct IS NULL OR ${keyIdIn('refresh_ct')} = key_id) AND (id_ct IS NULL OR ${keyIdIn('id_ct')} = key_id)`,
};

/** The same for the key that tokens are bound to; one without a token is of no use, and would not be fenced. */
export const DPOP_KEY_CHECK = {
  name: 'ck_tokenward_tokens_dpop_key',
  expression: `(dpop_ct IS NULL OR (key_id IS NOT NULL AND ${keyIdIn('dpop_ct')} = key_id))`,
};

/** One stored token set. Column types are the ones that all supported databases share. Instants are epoch milliseconds. */
@Entity({ name: 'tokenward_tokens' })
@Check(ONE_KEY_CHECK.name, ONE_KEY_CHECK.expression)
@Check(DPOP_KEY_CHECK.name, DPOP_KEY_CHECK.expression)
@Index('ix_tokenward_tokens_key', ['keyId', 'id'])
@Index('ix_tokenward_tokens_owner', ['tenantId', 'userId'])
@Index('ix_tokenward_tokens_due', ['status', 'refreshAfter'])
@Index('ix_tokenward_tokens_dead', ['status', 'updatedAt'])
export class TokenEntity {
  @PrimaryColumn({ type: 'varchar', length: 36, primaryKeyConstraintName: 'pk_tokenward_tokens' })
  id: string;

  /** Hash of tenant, user, provider and account. */
  @Index('uq_tokenward_tokens_lookup', { unique: true })
  @Column({ type: 'varchar', length: 64 })
  lookup: string;

  @Column({ name: 'tenant_id', type: 'varchar', length: 255 })
  tenantId: string;

  @Column({ name: 'user_id', type: 'varchar', length: 255 })
  userId: string;

  @Column({ type: 'varchar', length: 64 })
  provider: string;

  @Column({ type: 'varchar', length: 255 })
  account: string;

  @Column({ type: 'varchar', length: 32 })
  status: TokenStatus;

  @Column({ type: 'int' })
  generation: number;

  @Column({ name: 'token_type', type: 'varchar', length: 32 })
  tokenType: string;

  @Column({ type: 'text', nullable: true })
  scope: string | null;

  @Column({ name: 'access_ct', type: 'text', nullable: true })
  accessCt: string | null;

  @Column({ name: 'refresh_ct', type: 'text', nullable: true })
  refreshCt: string | null;

  @Column({ name: 'id_ct', type: 'text', nullable: true })
  idCt: string | null;

  @Column({
    name: 'key_id',
    type: 'varchar',
    length: KEY_ID_LENGTH,
    nullable: true,
    asExpression: KEY_ID_EXPRESSION,
    generatedType: 'STORED',
    insert: false,
    update: false,
  })
  keyId: string | null;

  @ManyToOne(() => DataKeyEntity, { nullable: true })
  @JoinColumn({
    name: 'key_id',
    referencedColumnName: 'usableId',
    foreignKeyConstraintName: 'fk_tokenward_tokens_key_id',
  })
  dataKey?: DataKeyEntity | null;

  @Column({ name: 'lifetime_seconds', type: 'int', nullable: true })
  lifetimeSeconds: number | null;

  @Column({ name: 'expires_at', nullable: true, ...epochMilliseconds })
  expiresAt: number | null;

  @Column({ name: 'refresh_after', nullable: true, ...epochMilliseconds })
  refreshAfter: number | null;

  @Column({ name: 'refreshed_at', ...epochMilliseconds })
  refreshedAt: number;

  @Column({ name: 'created_at', ...epochMilliseconds })
  createdAt: number;

  @Column({ name: 'updated_at', ...epochMilliseconds })
  updatedAt: number;

  @Column({ name: 'claim_id', type: 'varchar', length: 36, nullable: true })
  claimId: string | null;

  @Column({ name: 'claimed_at', nullable: true, ...epochMilliseconds })
  claimedAt: number | null;

  /** The session that the claim rests on, after the first characters of its claim's id; meaningless beside another claim. */
  @Column({ name: 'claim_replica', type: 'varchar', length: 96, nullable: true })
  claimReplica: string | null;

  @Column({ name: 'unknown_since', nullable: true, ...epochMilliseconds })
  unknownSince: number | null;

  @Column({ name: 'retry_after', nullable: true, ...epochMilliseconds })
  retryAfter: number | null;

  @Column({ type: 'int' })
  failures: number;

  @Column({ name: 'last_failure', type: 'varchar', length: 64, nullable: true })
  lastFailure: string | null;

  /** Why re-encryption has left the row as it is; a new token set clears it. */
  @Column({ name: 'quarantined_as', type: 'varchar', length: 32, nullable: true })
  quarantinedAs: string | null;

  /** The private key that the tokens are bound to (DPoP, RFC 9449). */
  @Column({ name: 'dpop_ct', type: 'text', nullable: true })
  dpopCt: string | null;

  /** How often the row was revoked or its refresh token found dead: sessions that hang on it are over then, also after a new log-in. */
  @Column({ type: 'int', default: 0 })
  ends: number;
}

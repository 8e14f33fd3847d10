import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** One session of a user. Whoever reads the table cannot make its cookie: of the id it has the hash only. */
@Entity({ name: 'tokenward_sessions' })
@Index('ix_tokenward_sessions_owner', ['tenantId', 'userId'])
@Index('ix_tokenward_sessions_login', ['provider', 'sid'])
@Index('ix_tokenward_sessions_token', ['tokenId'])
@Index('ix_tokenward_sessions_ended', ['endedAt'])
export class SessionEntity {
  /** The handle: a random name that lets nobody in. */
  @PrimaryColumn({ type: 'varchar', length: 36, primaryKeyConstraintName: 'pk_tokenward_sessions' })
  id: string;

  /** SHA-256 of the id in the cookie. */
  @Index('uq_tokenward_sessions_id_hash', { unique: true })
  @Column({ name: 'id_hash', type: 'varchar', length: 64 })
  idHash: string;

  @Column({ name: 'tenant_id', type: 'varchar', length: 255 })
  tenantId: string;

  @Column({ name: 'user_id', type: 'varchar', length: 255 })
  userId: string;

  @Column({ type: 'varchar', length: 64, nullable: true })
  provider: string | null;

  @Column({ type: 'varchar', length: 255, nullable: true })
  account: string | null;

  /** `sub` of the ID token. */
  @Column({ type: 'varchar', length: 255, nullable: true })
  subject: string | null;

  /** `sid` of the ID token. */
  @Column({ type: 'varchar', length: 255, nullable: true })
  sid: string | null;

  /** Null once it has ended. */
  @Column({ name: 'attributes_ct', type: 'text', nullable: true })
  attributesCt: string | null;

  /** Of a session that the host keeps: its id there, sealed. Null once the host has destroyed it. */
  @Column({ name: 'host_ct', type: 'text', nullable: true })
  hostCt: string | null;

  @Column({ name: 'user_agent', type: 'varchar', length: 200, nullable: true })
  userAgent: string | null;

  /** The row of `tokenward_tokens` that it hangs on; the row may be gone by now. */
  @Column({ name: 'token_id', type: 'varchar', length: 36, nullable: true })
  tokenId: string | null;

  /** `ends` of that row at the log-in: another number there, and the session is over. */
  @Column({ name: 'token_ends', type: 'int', nullable: true })
  tokenEnds: number | null;

  @Column({ name: 'created_at', ...epochMilliseconds })
  createdAt: number;

  @Column({ name: 'last_seen_at', ...epochMilliseconds })
  lastSeenAt: number;

  @Column({ name: 'idle_expires_at', ...epochMilliseconds })
  idleExpiresAt: number;

  @Column({ name: 'expires_at', ...epochMilliseconds })
  expiresAt: number;

  @Column({ name: 'ended_at', nullable: true, ...epochMilliseconds })
  endedAt: number | null;

  @Column({ name: 'end_reason', type: 'varchar', length: 32, nullable: true })
  endReason: string | null;
}

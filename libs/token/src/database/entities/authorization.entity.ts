import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** A log-in that has been sent to its provider and has not come back yet. */
@Entity({ name: 'tokenward_authorizations' })
@Index('ix_tokenward_authorizations_browser', ['browserHash'])
@Index('ix_tokenward_authorizations_expires', ['expiresAt'])
export class AuthorizationEntity {
  /** SHA-256 of `state`, in hex: who reads the table cannot finish a log-in with it. */
  @PrimaryColumn({ type: 'varchar', length: 64, primaryKeyConstraintName: 'pk_tokenward_authorizations' })
  id: string;

  /** SHA-256 of the cookie of the browser that has begun it, in hex. */
  @Column({ name: 'browser_hash', type: 'varchar', length: 64 })
  browserHash: string;

  @Column({ type: 'varchar', length: 64 })
  provider: string;

  /** Code verifier, nonce, key and what was asked for, sealed. */
  @Column({ name: 'details_ct', type: 'text' })
  detailsCt: string;

  @Column({ name: 'expires_at', ...epochMilliseconds })
  expiresAt: number;
}

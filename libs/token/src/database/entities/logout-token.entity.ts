import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** A logout token that was accepted, for as long as it would be accepted again. */
@Entity({ name: 'tokenward_logout_tokens' })
@Index('ix_tokenward_logout_tokens_expires', ['expiresAt'])
export class LogoutTokenEntity {
  /** SHA-256 of provider and `jti`, in hex. */
  @PrimaryColumn({ type: 'varchar', length: 64, primaryKeyConstraintName: 'pk_tokenward_logout_tokens' })
  id: string;

  @Column({ name: 'expires_at', ...epochMilliseconds })
  expiresAt: number;
}

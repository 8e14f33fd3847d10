import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** Who changed which key, when, from which state to which. Rows are only ever added. */
@Entity({ name: 'tokenward_key_audit' })
export class KeyAuditEntity {
  @PrimaryColumn({ type: 'varchar', length: 36, primaryKeyConstraintName: 'pk_tokenward_key_audit' })
  id: string;

  @Index('ix_tokenward_key_audit_at')
  @Column({ ...epochMilliseconds })
  at: number;

  @Column({ type: 'varchar', length: 64 })
  actor: string;

  @Column({ type: 'varchar', length: 32 })
  action: string;

  @Column({ name: 'key_id', type: 'varchar', length: 64, nullable: true })
  keyId: string | null;

  @Column({ name: 'tenant_id', type: 'varchar', length: 255, nullable: true })
  tenantId: string | null;

  @Column({ name: 'from_state', type: 'varchar', length: 64, nullable: true })
  fromState: string | null;

  @Column({ name: 'to_state', type: 'varchar', length: 64, nullable: true })
  toState: string | null;
}

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { DataKeyState } from '../../keys/data-key-rows.js';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** A data key, wrapped by a key-encryption key. Column types are the ones that all supported databases share. */
@Entity({ name: 'tokenward_data_keys' })
export class DataKeyEntity {
  @PrimaryColumn({ type: 'varchar', length: 36, primaryKeyConstraintName: 'pk_tokenward_data_keys' })
  id: string;

  /** What `key_id` of sealed rows points at; null once the key is retired, which the foreign key refuses while rows remain. */
  @Index('uq_tokenward_data_keys_usable_id', { unique: true })
  @Column({ name: 'usable_id', type: 'varchar', length: 22, nullable: true })
  usableId: string | null;

  /** Hash of tenant and purpose while active, and for ever once the tenant was shredded; else null: at most one key for each. */
  @Index('uq_tokenward_data_keys_active_for', { unique: true })
  @Column({ name: 'active_for', type: 'varchar', length: 64, nullable: true })
  activeFor: string | null;

  @Column({ name: 'tenant_id', type: 'varchar', length: 255 })
  tenantId: string;

  @Column({ type: 'varchar', length: 32 })
  purpose: string;

  @Column({ type: 'varchar', length: 16 })
  state: DataKeyState;

  @Column({ name: 'kek_id', type: 'varchar', length: 64 })
  kekId: string;

  /** base64url; null once destroyed. */
  @Column({ type: 'text', nullable: true })
  wrapped: string | null;

  /** base64url. */
  @Column({ name: 'check_value', type: 'varchar', length: 64 })
  checkValue: string;

  @Column({ name: 'created_at', ...epochMilliseconds })
  createdAt: number;

  @Index('ix_tokenward_data_keys_changed')
  @Column({ name: 'state_changed_at', ...epochMilliseconds })
  stateChangedAt: number;

  /** Retired keys: not destroyed before. */
  @Column({ name: 'destroy_after', nullable: true, ...epochMilliseconds })
  destroyAfter: number | null;

  /** Rows that re-encryption has moved away since `moving_since`, by all replicas together. */
  @Column({ name: 'moved_rows', type: 'int', nullable: true })
  movedRows: number | null;

  @Column({ name: 'moving_since', nullable: true, ...epochMilliseconds })
  movingSince: number | null;

  @Column({ name: 'moved_at', nullable: true, ...epochMilliseconds })
  movedAt: number | null;
}

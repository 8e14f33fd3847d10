import { Column, Entity, PrimaryColumn } from 'typeorm';
import { epochMilliseconds } from './epoch-milliseconds.js';

/**
 * A key-encryption key that some replica has brought, and a canary that it has wrapped: who opens the canary holds the
 * same key. The key itself is never here.
 */
@Entity({ name: 'tokenward_keks' })
export class KekEntity {
  @PrimaryColumn({ type: 'varchar', length: 64, primaryKeyConstraintName: 'pk_tokenward_keks' })
  id: string;

  @Column({ name: 'canary_id', type: 'varchar', length: 36 })
  canaryId: string;

  /** base64url. */
  @Column({ type: 'text' })
  wrapped: string;

  /** base64url. */
  @Column({ name: 'check_value', type: 'varchar', length: 64 })
  checkValue: string;

  @Column({ name: 'created_at', ...epochMilliseconds })
  createdAt: number;
}

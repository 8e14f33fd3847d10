import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { KEY_ID_LENGTH, KEY_ID_POSITION } from '../../crypto/record-text.js';
import { DataKeyEntity } from './data-key.entity.js';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** As in the rows of the tokens: computed by the database, so it cannot disagree with the bytes. */
export const REVOCATION_KEY_ID_EXPRESSION = `substr(token_ct, ${KEY_ID_POSITION}, ${KEY_ID_LENGTH})`;

/** A token that is gone from its row and still has to be revoked at its provider. */
@Entity({ name: 'tokenward_revocations' })
@Index('ix_tokenward_revocations_key_id', ['keyId'])
@Index('ix_tokenward_revocations_due', ['retryAfter'])
@Index('ix_tokenward_revocations_created', ['createdAt'])
export class RevocationEntity {
  @PrimaryColumn({ type: 'varchar', length: 36, primaryKeyConstraintName: 'pk_tokenward_revocations' })
  id: string;

  @Column({ name: 'tenant_id', type: 'varchar', length: 255 })
  tenantId: string;

  @Column({ type: 'varchar', length: 64 })
  provider: string;

  /** The row of `tokenward_tokens` that the token comes from; it may be gone by now. */
  @Column({ name: 'record_id', type: 'varchar', length: 36 })
  recordId: string;

  @Column({ name: 'token_ct', type: 'text' })
  tokenCt: string;

  @Column({
    name: 'key_id',
    type: 'varchar',
    length: KEY_ID_LENGTH,
    nullable: true,
    asExpression: REVOCATION_KEY_ID_EXPRESSION,
    generatedType: 'STORED',
    insert: false,
    update: false,
  })
  keyId: string | null;

  @ManyToOne(() => DataKeyEntity, { nullable: true })
  @JoinColumn({
    name: 'key_id',
    referencedColumnName: 'usableId',
    foreignKeyConstraintName: 'fk_tokenward_revocations_key_id',
  })
  dataKey?: DataKeyEntity | null;

  @Column({ name: 'created_at', ...epochMilliseconds })
  createdAt: number;

  /** No replica tries before; while one tries, the end of its claim. */
  @Column({ name: 'retry_after', ...epochMilliseconds })
  retryAfter: number;

  /** Grows with every claim. */
  @Column({ type: 'int' })
  attempts: number;

  @Column({ name: 'last_failure', type: 'varchar', length: 64, nullable: true })
  lastFailure: string | null;
}

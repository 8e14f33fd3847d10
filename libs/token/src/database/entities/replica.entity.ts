import { Column, Entity, PrimaryColumn } from 'typeorm';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** A process that uses the keys, as long as it says that it lives. */
@Entity({ name: 'tokenward_replicas' })
export class ReplicaEntity {
  @PrimaryColumn({ type: 'varchar', length: 36, primaryKeyConstraintName: 'pk_tokenward_replicas' })
  id: string;

  @Column({ name: 'started_at', ...epochMilliseconds })
  startedAt: number;

  @Column({ name: 'seen_at', ...epochMilliseconds })
  seenAt: number;

  /** The key-encryption keys whose canary it has opened, with the canary's id, one a line. */
  @Column({ name: 'kek_ids', type: 'text' })
  kekIds: string;
}

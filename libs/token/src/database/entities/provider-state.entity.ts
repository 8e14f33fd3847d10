import { Column, Entity, PrimaryColumn } from 'typeorm';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** What all replicas know of a provider that has failed or is rationed. */
@Entity({ name: 'tokenward_providers' })
export class ProviderStateEntity {
  @PrimaryColumn({ type: 'varchar', length: 64, primaryKeyConstraintName: 'pk_tokenward_providers' })
  name: string;

  /** Rows that have failed in succession, each counted once. */
  @Column({ name: 'failed_rows', type: 'int' })
  failedRows: number;

  @Column({ name: 'failed_as', type: 'varchar', length: 64, nullable: true })
  failedAs: string | null;

  /** Null while the circuit is closed. */
  @Column({ name: 'opened_at', nullable: true, ...epochMilliseconds })
  openedAt: number | null;

  /** Null while the circuit is closed. No probe before; while one is under way, the end of its lease. */
  @Column({ name: 'probe_after', nullable: true, ...epochMilliseconds })
  probeAfter: number | null;

  @Column({ name: 'probe_id', type: 'varchar', length: 36, nullable: true })
  probeId: string | null;

  @Column({ name: 'failed_probes', type: 'int' })
  failedProbes: number;

  /** Up to when the time of a rationed provider is given away. */
  @Column({ name: 'permits_until', ...epochMilliseconds })
  permitsUntil: number;
}

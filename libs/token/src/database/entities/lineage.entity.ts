import { Column, Entity, PrimaryColumn } from 'typeorm';
import { epochMilliseconds } from './epoch-milliseconds.js';

/** One row: which database the application has last worked with. A copy of the database brings the row of the original along. */
@Entity({ name: 'tokenward_lineage' })
export class LineageEntity {
  /** Always 1. */
  @PrimaryColumn({ name: 'only_one', type: 'int', primaryKeyConstraintName: 'pk_tokenward_lineage' })
  onlyOne: number;

  /** Server, timeline and tables, as the database itself names them; empty while it does not tell. */
  @Column({ type: 'varchar', length: 255 })
  identity: string;

  /** When another identity was found: refresh tokens from before are held. Null once they are released. */
  @Column({ name: 'held_before', nullable: true, ...epochMilliseconds })
  heldBefore: number | null;
}

/** What a row of tokens is read along with. */
export interface RowLineage {
  /** False: this is not the database that the application has last worked with, and nobody has taken note of that yet. */
  known: boolean;
  /** Epoch milliseconds of the database's clock: token sets that were stored before are from before a restore. Null: none is. */
  heldBefore: number | null;
}

export interface LineageState extends RowLineage {
  /** Why a restore cannot be noticed here; null where it can, and where it never can. */
  blind: string | null;
}

/**
 * Port: which database the rows are in, and whether that is still the one that was written to. A backup that is restored,
 * and a standby that becomes the primary, may bring back refresh tokens that providers have replaced since.
 */
export abstract class Lineage {
  /** False where a database cannot be told from its copy. */
  abstract readonly available: boolean;
  abstract look(): Promise<LineageState>;
  /**
   * Takes this database for the application's from now on; what it holds by now is held, unless there was no database
   * before. True for one of many that do so at once, and only if something is held.
   */
  abstract adopt(): Promise<boolean>;
  /** Ends the hold that `look` has told of, and says so in the audit trail. False if there is another one, or none, by now. */
  abstract release(heldBefore: number, actor: string): Promise<boolean>;
  /** Active token sets with a refresh token from before the hold, by provider. */
  abstract countHeld(): Promise<Record<string, number>>;
}

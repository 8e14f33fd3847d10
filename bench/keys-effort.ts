export interface KeyEffort {
  rows: number;
  rounds: number;
  tenants: number;
  /** Of one turn without and one with the job. */
  turnMs: number;
}

/** A token for the outbox, sealed under the id of its row there. */
export interface NewRevocation {
  id: string;
  tenantId: string;
  provider: string;
  /** The row of the token set that the token was part of. */
  recordId: string;
  /** `tm1.…` */
  tokenCt: string;
  /** 1: whoever adds it tries at once, and nobody else for `dueInMs`. 0: nobody has tried. */
  attempts: 0 | 1;
  dueInMs: number;
}

export interface PendingRevocation extends Omit<NewRevocation, 'attempts' | 'dueInMs'> {
  attempts: number;
  /** Since it was added. */
  ageMs: number;
  /** The same user has logged in again meanwhile: the row of the token set is active. */
  renewed: boolean;
}

/** How a try without success ends. */
export interface Postponement {
  retryInMs: number;
  failure: string;
  /** The token sealed anew, so that nothing stays under a replaced key for long; null leaves it as it is. */
  tokenCt: string | null;
}

/** Port: the outbox of tokens to be revoked at their providers. Log-outs add to it with `TokenRows.revoke`. */
export abstract class RevocationRows {
  /** @throws FencedWriteError */
  abstract insert(entry: NewRevocation): Promise<void>;
  /** Entries whose time has come, the longest waiting first, but for those of these providers. */
  abstract findDue(exceptProviders: readonly string[], limit: number): Promise<PendingRevocation[]>;
  /** Keeps the others away for `leaseMs`; false if one of them was faster. */
  abstract claim(entry: PendingRevocation, leaseMs: number): Promise<boolean>;
  /** Ends the claim with which `attempts` was reached, if nobody has claimed the entry since. @throws FencedWriteError */
  abstract postpone(id: string, attempts: number, postponement: Postponement): Promise<void>;
  /** Nobody tries any entry of this provider for so long. */
  abstract pause(provider: string, pauseMs: number): Promise<void>;
  /** False if it was gone already. */
  abstract remove(id: string): Promise<boolean>;
  abstract findExpired(maxAgeMs: number, limit: number): Promise<PendingRevocation[]>;
  abstract countByProvider(): Promise<Record<string, number>>;
}

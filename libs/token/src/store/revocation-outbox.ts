/** A token that nobody here may use any more, and where it comes from. */
export interface RevocableToken {
  tenantId: string;
  provider: string;
  /** The row of the token set that it was part of. */
  recordId: string;
  token: string;
}

/** Port: where tokens go that have to be revoked at their provider. */
export abstract class RevocationOutbox {
  /**
   * Writes the token down, sealed, and tries to revoke it at once; what fails is tried again until it is done or
   * expired. Fails only with the database: then nothing was tried, and it may be repeated.
   */
  abstract add(token: RevocableToken): Promise<void>;
}

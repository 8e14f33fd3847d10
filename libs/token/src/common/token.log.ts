import { Logger } from '@nestjs/common';
import type { AuthorizationOutcome, TokenEvent, TokenEvents } from './events.js';

const NOTEWORTHY = new Set<AuthorizationOutcome>([
  'logged_in_with_less',
  'refused',
  'unreachable',
  'narrowed',
  'busy',
  'shredded',
  'not_stored',
]);

/** Writes what an operator wants to read; ids, outcomes and reasons only. */
export class TokenLog {
  readonly #logger = new Logger('Tokenward');
  #keysReady: boolean | null = null;
  #keysDegraded = false;
  #spoolFault: string | null = null;

  constructor(events: TokenEvents) {
    events.stream.subscribe((event) => this.write(event));
  }

  private write(event: TokenEvent): void {
    switch (event.type) {
      case 'refresh':
        if (event.outcome === 'refreshed' || event.outcome === 'superseded')
          this.#logger.debug(`refresh at ${event.provider}: ${event.outcome} (row ${event.recordId})`);
        else
          this.#logger.warn(
            `refresh at ${event.provider}: ${event.outcome}, ${event.reason ?? 'no reason given'} (row ${event.recordId})`,
          );
        break;
      case 'token_request':
        if (event.outcome === 'issued') this.#logger.debug(`${event.grant} at ${event.provider}: issued`);
        else
          this.#logger.warn(
            `${event.grant} at ${event.provider}: ${event.outcome}, ${event.reason ?? 'no reason given'}`,
          );
        break;
      case 'authorization':
        this.writeAuthorization(event);
        break;
      case 'logout_token':
        if (event.outcome === 'accepted')
          this.#logger.log(`log-out by ${event.provider}: ${event.ended ?? 0} sessions ended`);
        else
          this.#logger.warn(
            `log-out by ${event.provider} ${event.outcome}: the logout token ${event.reason ?? 'gives no reason'}`,
          );
        break;
      case 'circuit_opened':
        this.#logger.warn(
          `${event.provider} is left alone: ${event.reason}. One probe asks again, in ${event.retryInSeconds} s at the earliest; valid tokens are served meanwhile.`,
        );
        break;
      case 'circuit_closed':
        this.#logger.log(`${event.provider} answers again`);
        break;
      case 'reauthorization_required':
        this.#logger.warn(
          `user has to log in at ${event.provider} again: ${event.reason} (row ${event.recordId})`,
        );
        break;
      case 'revocation_failed':
        this.#logger.warn(
          `revocation at ${event.provider} failed: ${event.reason}; the tokens are gone here (row ${event.recordId})`,
        );
        break;
      case 'revocation_postponed':
        this.#logger.warn(
          `revocation at ${event.provider} is tried again later: ${event.reason} (row ${event.recordId})`,
        );
        break;
      case 'decryption_failed':
        this.#logger.error(
          `cannot open ${event.field} of row ${event.recordId}: ${event.reason}; it was kept as it is`,
        );
        break;
      case 'encryption_failed':
        this.#logger.error(
          `cannot seal ${event.field} of row ${event.recordId}: ${event.reason}; nothing was written`,
        );
        break;
      case 'keys_checked':
        this.writeKeys(event.ready, event.reason);
        break;
      case 'data_key_changed':
        this.#logger.log(`data key ${event.keyId} is ${event.to} now`);
        break;
      case 'keyring_checked':
        if (event.fault !== null)
          this.#logger.error(
            `a key-encryption key is not used: ${event.fault}. What was in use stays in use.`,
          );
        else this.#logger.log('all key-encryption keys of this replica can be used');
        break;
      case 'row_quarantined':
        this.#logger.error(
          `re-encryption left row ${event.recordId} as it is: ${event.reason}; the others go on`,
        );
        break;
      case 'spool_missing':
        this.#logger.warn(
          'refresh.spoolDirectory is not set: a process that ends while the database is away loses refresh tokens that a provider has just issued',
        );
        break;
      case 'spool_checked':
        this.writeSpool(event.fault);
        break;
      case 'spool_file_unreadable':
        this.#logger.error(
          `spool file ${event.file} cannot be used: ${event.reason}; it was kept as it is, the others go on`,
        );
        break;
      case 'answer_spooled':
        this.writeSpooled(event);
        break;
      case 'restore_detected':
        this.#logger.error(restoreText(event.afterRestore));
        break;
      case 'lineage_checked':
        if (event.blind !== null)
          this.#logger.warn(`a restored backup or a failover would go unnoticed here: ${event.blind}`);
        if (event.heldBefore !== null)
          this.#logger.warn(
            `refresh tokens from before ${new Date(event.heldBefore).toISOString()} are held: \`tokenward refresh status\` says how many`,
          );
        break;
      case 'hold_released':
        this.#logger.warn(
          `${event.tokens} held token sets were released by ${event.actor}: they are presented again`,
        );
        break;
      case 'tenant_shredded':
        this.#logger.warn(`a tenant was shredded: ${event.keys} data keys, ${event.tokens} token sets`);
        break;
      case 'session_changed':
        if (event.liveness === 'session')
          this.#logger.log('the replica session is up: claims rest on its lock');
        else if (event.liveness === 'lease')
          this.#logger.warn(`there is no replica session: ${event.reason}; claims are leases`);
        else
          this.#logger.error(
            `there is no replica session: ${event.reason}; this replica refreshes nothing until it is back`,
          );
        break;
      case 'session_started':
        this.#logger.debug(`session ${event.recordId} has started`);
        break;
      case 'session_ended':
        this.#logger.debug(`session ${event.recordId} has ended: ${event.reason}`);
        break;
      case 'host_session_kept':
        this.#logger.error(
          `the application could not destroy its session behind ${event.recordId} (${event.reason}): it is tried again for a day`,
        );
        break;
      case 'write_fenced':
        this.#logger.warn('the database refused a retired data key; sealing again under the current one');
        break;
      case 'job_run':
        if (event.outcome === 'failed')
          this.#logger.error(`job ${event.job} failed: ${event.reason ?? 'no reason given'}`);
        else if (event.processed > 0) this.#logger.log(`job ${event.job}: ${event.processed} rows`);
        break;
      default:
    }
  }

  /** What a person did is no news for an operator; what the provider or this application did may be. */
  private writeAuthorization({
    provider,
    outcome,
    reason,
  }: Extract<TokenEvent, { type: 'authorization' }>): void {
    const text = `log-in at ${provider}: ${outcome}${reason === undefined ? '' : `, ${reason}`}`;
    if (outcome === 'failed') this.#logger.error(text);
    else if (NOTEWORTHY.has(outcome)) this.#logger.warn(text);
    else this.#logger.debug(text);
  }

  private writeSpool(fault: string | null): void {
    if (fault === this.#spoolFault) return;
    this.#spoolFault = fault;
    if (fault === null) this.#logger.log('the spool directory can be written to again');
    else
      this.#logger.error(
        `the spool directory cannot be written to: ${fault}. Refreshes go on; until it can, a process that ends while the database is away loses refresh tokens.`,
      );
  }

  private writeSpooled({
    provider,
    recordId,
    outcome,
  }: Extract<TokenEvent, { type: 'answer_spooled' }>): void {
    const row = `(row ${recordId})`;
    if (outcome === 'written')
      this.#logger.warn(
        `the database does not take an answer of ${provider}: it is in the spool and tried again ${row}`,
      );
    else if (outcome === 'lost')
      this.#logger.error(
        `an answer of ${provider} is neither in the database nor in the spool, and given up: the user may have to log in again ${row}`,
      );
    else if (outcome !== 'failed')
      this.#logger.log(`an answer of ${provider} has left the spool: ${outcome} ${row}`);
  }

  /** Probes check often: only changes are news. */
  private writeKeys(ready: boolean, reason: string | null): void {
    const degraded = ready && reason !== null;
    if (degraded !== this.#keysDegraded && ready)
      this.#logger.warn(
        degraded
          ? `DEGRADED: ${reason}. Keys that are in memory go on serving for a few hours; new tenants cannot be served.`
          : 'the key service answers again',
      );
    this.#keysDegraded = degraded;
    if (ready === this.#keysReady) return;
    if (!ready)
      this.#logger.error(
        `NOT READY: ${reason}. Nothing was changed in the database; give this replica the right keyring.`,
      );
    else if (this.#keysReady === false) this.#logger.log('keys can be opened again');
    this.#keysReady = ready;
  }
}

function restoreText(afterRestore: 'hold' | 'present'): string {
  const found = 'RESTORED: this is not the database of before, but a restored backup, a copy, or a failover.';
  return afterRestore === 'hold'
    ? `${found} Refresh tokens that it has brought along are held until their users log in again or somebody releases them.`
    : `${found} Its refresh tokens are presented all the same, since refresh.afterRestore is "present".`;
}

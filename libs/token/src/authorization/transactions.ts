import { recordFromText, recordToText } from '../crypto/record-text.js';
import type { EncryptionService } from '../encryption/encryption.service.js';
import type { AuthorizationLimits, AuthorizationRows } from '../store/authorization-rows.js';
import { hashOfSecret, randomSecret } from './browser-cookie.js';
import { AuthorizationFault } from './faults.js';

/** From the redirect to the callback. */
export const LIFETIME_SECONDS = 600;
/** Each new one takes so many expired ones away, so that they cannot pile up. */
const CLEANED = 20;
const STATE = /^[\w-]{43}$/;
/** A tenant of its own: nobody is logged in yet, and no tenant's end may keep others from logging in. */
const TENANT = 'tokenward';
const FIELD = 'authorization';

/** What is to be known when the browser comes back. */
export interface Transaction {
  kind: 'log_in' | 'connect';
  /** Begun by a page of this application, or by a person who has typed the address. */
  fromOwnSite: boolean;
  codeVerifier: string;
  /** Null where no ID token was asked for. */
  nonce: string | null;
  /** What was asked for. */
  scope: string;
  returnTo: string;
  account: string;
  /** Whose account is being connected. */
  user: { tenantId: string; userId: string } | null;
  /** The key that the tokens are to be bound to, as `DpopKey.text`. */
  dpopKey: string | null;
}

export interface TakenTransaction extends Transaction {
  state: string;
  /** The database's clock, in epoch milliseconds. */
  now: number;
  hasOthers: boolean;
}

/** Log-ins under way: each belongs to one browser and one provider, serves once, and for ten minutes. */
export class Transactions {
  constructor(
    private readonly rows: AuthorizationRows,
    private readonly encryption: EncryptionService,
    private readonly limits: AuthorizationLimits,
  ) {}

  /** The `state` that names it. @throws AuthorizationFault above a bound */
  async begin(browser: string, provider: string, transaction: Transaction): Promise<string> {
    const state = randomSecret();
    const id = hashOfSecret(state);
    const sealed = await this.encryption.encrypt(JSON.stringify(transaction), this.context(id));
    const row = {
      id,
      browserHash: hashOfSecret(browser),
      provider,
      detailsCt: recordToText(sealed),
      expiresInMs: LIFETIME_SECONDS * 1000,
    };
    const exceeded = await this.rows.insert(row, this.limits);
    if (exceeded !== null) throw new AuthorizationFault(exceeded === 'browser' ? 'too_many' : 'busy');
    // Whoever begins a log-in must not pay for what others have left behind with a failure.
    await this.rows.deleteExpired(CLEANED).catch(() => undefined);
    return state;
  }

  /** Null for one that is over, was taken before, or belongs to another browser or provider. */
  async take(state: unknown, browser: string | null, provider: string): Promise<TakenTransaction | null> {
    if (typeof state !== 'string' || !STATE.test(state) || browser === null) return null;
    const id = hashOfSecret(state);
    const taken = await this.rows.take({ id, browserHash: hashOfSecret(browser), provider });
    if (taken === null) return null;
    const { detailsCt, now, hasOthers } = taken;
    const opened = await this.encryption.decrypt(recordFromText(detailsCt), this.context(id));
    return { ...(JSON.parse(opened.toString('utf8')) as Transaction), state, now, hasOthers };
  }

  private context(recordId: string) {
    return { tenantId: TENANT, recordId, field: FIELD };
  }
}

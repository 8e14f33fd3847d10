import { randomBytes } from 'node:crypto';
import type { TokenRef, TokenResponse } from '@tokenward/nestjs';

/** One stored token set, as the outside knows it. */
export class Account {
  /** Every access token that was ever sent to be stored, or came back from a refresh, in order. */
  private readonly values: string[] = [];
  /** Index of the last one that was confirmed. */
  private confirmed = -1;
  /** A write or a refresh is on its way. */
  busy = false;
  /** A refresh was cut off by a kill: nobody but the provider knows what it has issued. */
  cutOff = false;

  constructor(
    readonly ref: TokenRef,
    /** Access tokens that somebody else than this test has issued; null where it makes them up itself. */
    private readonly issued: ReadonlySet<string> | null = null,
  ) {}

  get isRefreshed(): boolean {
    return this.issued !== null;
  }

  /** A new token set; from now on it may be read, and once it is confirmed nothing older may. */
  next(): TokenResponse {
    const access_token = `at.${this.ref.userId}.${this.values.length}.${randomBytes(60).toString('base64url')}`;
    this.values.push(access_token);
    return { access_token, refresh_token: refreshTokenOf(access_token), expires_in: 86_400 };
  }

  confirm(value: string): void {
    if (!this.values.includes(value)) this.values.push(value);
    this.confirmed = this.values.indexOf(value);
  }

  /** Call before a read; the result judges what it has brought. */
  expectation(): (value: string) => boolean {
    const since = this.confirmed;
    return (value) =>
      this.values.indexOf(value) >= Math.max(0, since) ||
      ((this.busy || this.cutOff) && this.issued !== null && this.issued.has(value));
  }
}

/** The other cell of the same row. */
export const refreshTokenOf = (accessToken: string): string => accessToken.replace(/^at/, 'rt');

import { TokenClientError } from './token-client.error.js';
import { secondsBetween, type Moment } from './moment.js';

/** Seconds. A token is replaced this long before its end, so that it does not run out on its way to the API. */
const MARGIN = 10;

export interface AccessToken {
  readonly value: string;
  /** `null`: it is good until an API refuses it. */
  readonly lifetimeSeconds: number | null;
  /** When it was asked for: `expires_in` counts from a time after that, so it never looks longer-lived than it is. */
  readonly askedAt: Moment;
}

/** What the backend says about the token (RFC 6749 section 5.1). @throws TokenClientError `ANSWER_INVALID` */
export function parseAccessToken(answer: Record<string, unknown>, askedAt: Moment): AccessToken {
  const { access_token: value, token_type: type, expires_in: lifetime = null } = answer;
  // Visible ASCII only: it becomes part of a header.
  if (typeof value !== 'string' || !/^[!-~]+$/.test(value)) throw invalid('has no usable access_token');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw invalid('is not of token_type Bearer');
  if (lifetime !== null && !(typeof lifetime === 'number' && lifetime >= 0))
    throw invalid('has a wrong expires_in');
  return { value, lifetimeSeconds: lifetime, askedAt };
}

const invalid = (what: string): TokenClientError =>
  new TokenClientError('ANSWER_INVALID', `The backend's answer ${what}.`);

const secondsLeft = ({ lifetimeSeconds, askedAt }: AccessToken, now: Moment): number =>
  lifetimeSeconds === null ? Infinity : lifetimeSeconds - secondsBetween(askedAt, now);

export const isUsable = (token: AccessToken, now: Moment): boolean => secondsLeft(token, now) > 0;

/** Of a short life the margin takes no more than half. */
export const isFresh = (token: AccessToken, now: Moment): boolean =>
  secondsLeft(token, now) > Math.min(MARGIN, (token.lifetimeSeconds ?? 0) / 2);

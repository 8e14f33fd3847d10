import { TokenInputError } from '../common/errors.js';
import type { ResolvedTokenRef } from '../common/tokens.js';
import type { SessionLogin } from '../store/session-rows.js';
import { assertId } from '../token-ref.js';
import type { SessionEndFilter, SessionOwner, StartSession } from './session.types.js';

const START_FIELDS = ['userId', 'tenantId', 'login', 'attributes', 'userAgent'];
const LOGIN_FIELDS = ['provider', 'account', 'subject', 'sid'];
const OWNER_FIELDS = ['userId', 'tenantId'];
const FILTER_FIELDS = ['userId', 'tenantId', 'provider', 'subject', 'sid'];
const MAX_ATTRIBUTE_BYTES = 4096;
const MAX_USER_AGENT = 200;

/** A `StartSession` with its defaults filled in. */
export interface StartedSession {
  userId: string;
  tenantId: string;
  login: SessionLogin | null;
  /** JSON. */
  attributes: string;
  userAgent: string | null;
}

/** @throws TokenInputError naming the field */
export function startedSession(what: StartSession): StartedSession {
  assertFields('what', what, START_FIELDS);
  const { tenantId = 'default', login, userAgent } = what;
  assertId('userId', what.userId);
  assertId('tenantId', tenantId);
  if (userAgent !== undefined && typeof userAgent !== 'string')
    throw new TokenInputError('userAgent', 'must be a string');
  return {
    userId: what.userId,
    tenantId,
    login: login === undefined ? null : sessionLogin(login),
    attributes: attributesText(what.attributes === undefined ? {} : what.attributes),
    userAgent: userAgent === undefined ? null : shown(userAgent),
  };
}

function sessionLogin(login: NonNullable<StartSession['login']>): SessionLogin {
  assertFields('login', login, LOGIN_FIELDS);
  const { provider, account = 'default', subject = null, sid = null } = login;
  const resolved = { provider, account, subject, sid };
  for (const [field, value] of Object.entries(resolved))
    if (value !== null) assertId(`login.${field}`, value);
  return resolved;
}

/** The stored tokens of a log-in. */
export const tokensOf = ({
  userId,
  tenantId,
  login,
}: Pick<StartedSession, 'userId' | 'tenantId' | 'login'>): ResolvedTokenRef | null =>
  login && { userId, tenantId, provider: login.provider, account: login.account };

/** @throws TokenInputError for what is no JSON object, or too large */
export function attributesText(attributes: unknown): string {
  const fault = (expected: string): TokenInputError => new TokenInputError('attributes', expected);
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes))
    throw fault('must be an object of JSON values');
  let text: string | undefined;
  try {
    text = JSON.stringify(attributes);
  } catch {
    throw fault('must be an object of JSON values, without circles');
  }
  if (!text?.startsWith('{')) throw fault('must be an object of JSON values, also as toJSON makes it');
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_ATTRIBUTE_BYTES)
    throw fault(`must have at most ${MAX_ATTRIBUTE_BYTES} bytes as JSON, they have ${bytes}`);
  return text;
}

/** Comes from the browser: anything. */
const shown = (userAgent: string): string =>
  userAgent
    .slice(0, MAX_USER_AGENT)
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed();

/** @throws TokenInputError */
export function sessionOwner(filter: SessionOwner): Required<SessionOwner> {
  assertFields('filter', filter, OWNER_FIELDS);
  const { userId, tenantId = 'default' } = filter;
  assertId('userId', userId);
  assertId('tenantId', tenantId);
  return { userId, tenantId };
}

/** @throws TokenInputError */
export function sessionHandle(
  which: SessionOwner & { handle: string },
): Required<SessionOwner> & { handle: string } {
  assertFields('filter', which, [...OWNER_FIELDS, 'handle']);
  const { handle, ...owner } = which;
  assertId('handle', handle);
  return { ...sessionOwner(owner), handle };
}

/** @throws TokenInputError for a filter without any field, or with one that would be passed over */
export function sessionFilter(filter: SessionEndFilter): SessionEndFilter {
  assertFields('filter', filter, FILTER_FIELDS);
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
  if (Object.keys(given).length === 0)
    throw new TokenInputError('filter', `must name at least one of ${FILTER_FIELDS.join(', ')}`);
  for (const [field, value] of Object.entries(given)) assertId(`filter.${field}`, value);
  // Each provider numbers its users and sessions by itself.
  if (('subject' in given || 'sid' in given) && !('provider' in given))
    throw new TokenInputError('filter.provider', 'is needed with subject and sid');
  return given;
}

function assertFields(name: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TokenInputError(name, `must be an object with ${known.join(', ')}`);
  for (const field of Object.keys(value))
    if (!known.includes(field))
      throw new TokenInputError(`${name}.${field}`, `is not a field; known: ${known.join(', ')}`);
}

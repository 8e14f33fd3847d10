import { parseCookie, stringifySetCookie } from 'cookie';
import { TokenInputError } from '../common/errors.js';
import type { ResolvedSessionOptions } from './session.options.js';
import type { SessionRequest, SessionResponse } from './session.types.js';

/** 256 bits as base64url. */
const ID = /^[A-Za-z0-9_-]{43}$/;

/** As much of a Fastify reply as is needed. */
interface Reply {
  raw: { headersSent: boolean };
  getHeader(name: string): unknown;
  header(name: string, value: string | string[]): unknown;
  removeHeader(name: string): unknown;
}

/** The same of Express and Node.js. */
interface Response {
  headersSent: boolean;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | string[]): unknown;
}

/** The cookie that the id of a session is kept in (RFC 6265bis §4.1.3.2 for `__Host-`). Needs no plug-in of the platform. */
export class SessionCookie {
  readonly name: string;

  constructor(private readonly options: ResolvedSessionOptions) {
    this.name = options.secure ? '__Host-tokenward' : 'tokenward';
  }

  /** The id that the browser has sent; null where there is none, or not exactly one that could be ours. */
  read(request: SessionRequest): string | null {
    const header = headersOf(request)['cookie'];
    if (header === undefined) return null;
    const pairs = (Array.isArray(header) ? header.join(';') : header).split(';');
    const found = pairs.map((pair) => parseCookie(pair, { decode: (value) => value })[this.name]);
    const [id, ...others] = found.filter((value) => value !== undefined);
    // Two of the same name: one was planted from elsewhere, and nothing says which (RFC 6265bis §8.6).
    return id !== undefined && others.length === 0 && ID.test(id) ? id : null;
  }

  write(response: SessionResponse, id: string): void {
    this.#set(response, id, this.options.persistent ? this.options.absoluteMs / 1000 : undefined);
  }

  clear(response: SessionResponse): void {
    this.#set(response, '', 0);
  }

  #set(response: SessionResponse, value: string, maxAge: number | undefined): void {
    const { sameSite, secure } = this.options;
    const cookie = stringifySetCookie({
      name: this.name,
      value,
      path: '/',
      httpOnly: true,
      secure,
      sameSite,
      ...(maxAge !== undefined && { maxAge }),
    });
    const target = response as Target;
    // One response names a cookie once (RFC 6265bis §4.1.1).
    const before = [target.getHeader('set-cookie') ?? []].flat() as string[];
    const others = before.filter((text) => !text.startsWith(`${this.name}=`));
    setHeader(target, 'set-cookie', [...others, cookie]);
    // No cache between here and the browser keeps an answer that lets somebody in.
    if (target.getHeader('cache-control') === undefined) setHeader(target, 'cache-control', 'no-store');
  }
}

type Target = Reply | Response;

function setHeader(target: Target, name: string, value: string | string[]): void {
  if (!('raw' in target)) target.setHeader(name, value);
  else {
    // Fastify adds to what is there.
    target.removeHeader(name);
    target.header(name, value);
  }
}

/** @throws TokenInputError for what is no request */
export function headersOf(request: SessionRequest): SessionRequest['headers'] {
  const headers = (request as SessionRequest | null | undefined)?.headers;
  if (typeof headers !== 'object' || headers === null)
    throw new TokenInputError('request', 'must be the request, as Express or Fastify hands it over');
  return headers;
}

/** @throws TokenInputError for what is no response, or has been sent: the cookie would not reach the browser */
export function assertOpen(response: SessionResponse): void {
  const given = response as Partial<Reply & Response> | null | undefined;
  if (typeof given?.getHeader !== 'function')
    throw new TokenInputError(
      'response',
      'must be the response of Express or the reply of Fastify; in a controller @Res({ passthrough: true })',
    );
  if (given.raw?.headersSent ?? given.headersSent)
    throw new TokenInputError('response', 'must not have been sent yet: its cookie would be lost');
}

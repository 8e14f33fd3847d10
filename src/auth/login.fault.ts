import { Logger } from '@nestjs/common';
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';

/** Why a log-in did not come about, in words for the person who tried. */
const faults = {
  declined: {
    status: 403,
    title: 'You are not logged in',
    text: 'The provider says that you chose not to. Nothing was stored.',
  },
  expired: {
    status: 400,
    title: 'This log-in is no longer valid',
    text: 'It took too long, was already used, or began in another browser. Just start again.',
  },
  refused: {
    status: 502,
    title: 'The log-in did not work',
    text: 'The provider gave an answer that this app does not accept. Nothing was stored.',
  },
  unreachable: {
    status: 503,
    title: 'The provider cannot be reached',
    text: 'It may be down for a moment. Please try again a little later.',
  },
  shredded: {
    status: 403,
    title: 'This app cannot store your tokens any more',
    text: 'Whoever runs it has destroyed the keys for them, for good, and what was stored is erased. Ask them how to go on; trying again does not help.',
  },
  anonymous: {
    status: 400,
    title: 'This provider does not say who you are',
    text: 'Log in with another one first; then you can connect this one.',
  },
} as const;

type Reason = keyof typeof faults;

export class LoginFault extends Error {
  constructor(readonly reason: Reason) {
    super(`log-in: ${reason}`);
    this.name = 'LoginFault';
  }

  get page(): { status: number; title: string; text: string } {
    return faults[this.reason];
  }
}

const logger = new Logger('LogIn');

function reasonOf(error: unknown): Reason {
  if (error instanceof AuthorizationResponseError) {
    if (error.error === 'access_denied') return 'declined';
    return ['server_error', 'temporarily_unavailable'].includes(error.error) ? 'unreachable' : 'refused';
  }
  // The client library wraps everything but a connection that failed, which `fetch` reports as a TypeError.
  if (error instanceof TypeError) return 'unreachable';
  const status = error instanceof ClientError && error.cause instanceof Response ? error.cause.status : 0;
  return status >= 500 || (error as ClientError).code === 'OAUTH_TIMEOUT' ? 'unreachable' : 'refused';
}

/** Turns an error of the client library, which may hold a request or a response, into one that holds neither. */
export function loginFaultOf(error: unknown, provider: string): LoginFault {
  if (error instanceof LoginFault) return error;
  const fault = new LoginFault(reasonOf(error));
  const known = error instanceof AuthorizationResponseError || error instanceof ResponseBodyError;
  const detail = known ? error.error : ((error as ClientError).code ?? (error as Error).name);
  if (fault.reason !== 'declined') logger.warn(`provider "${provider}": ${fault.reason} (${detail})`);
  return fault;
}

import type { AuthorizationOutcome } from '../common/events.js';

/** Why a log-in did not come about. */
export type AuthorizationFaultReason = Exclude<
  AuthorizationOutcome,
  'started' | 'logged_in' | 'connected' | 'logged_in_with_less'
>;

/** The same in words for the person who tried. */
const FAULTS = {
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
  anonymous: {
    status: 400,
    title: 'This provider does not say who you are',
    text: 'Log in with another one first; then you can connect this one.',
  },
  other_account: {
    status: 409,
    title: 'That is another account',
    text: 'Another account is connected here already. Disconnect that one first, or choose the same one again. Nothing was changed.',
  },
  narrowed: {
    status: 403,
    title: 'Not everything was allowed',
    text: 'You have allowed less than this app has been allowed before, so what was allowed before stays as it is. Start again to allow more.',
  },
  logged_out: {
    status: 401,
    title: 'You are not logged in',
    text: 'Log in first; then you can connect an account.',
  },
  cross_site: {
    status: 403,
    title: 'That came from another site',
    text: 'Accounts are connected, and more is allowed, from this app only. Nothing was changed.',
  },
  unknown_provider: {
    status: 404,
    title: 'That is not here',
    text: 'There is no provider of that name.',
  },
  bad_request: {
    status: 400,
    title: 'This link does not work',
    text: 'Its address is not one that this app has made. Go back to the start and try again from there.',
  },
  too_many: {
    status: 429,
    title: 'Too many log-ins at once',
    text: 'Your browser has begun many log-ins without ending them. Wait ten minutes, then start again.',
  },
  busy: {
    status: 503,
    title: 'Too many people are logging in',
    text: 'Please try again in a few minutes.',
  },
  shredded: {
    status: 403,
    title: 'This app cannot store your tokens any more',
    text: 'Whoever runs it has destroyed the keys for them, for good, and what was stored is erased. Ask them how to go on; trying again does not help.',
  },
  not_stored: {
    status: 502,
    title: 'Your tokens could not be stored',
    text: 'Nothing has changed. Please try again.',
  },
  failed: {
    status: 500,
    title: 'That did not work',
    text: 'You are not logged in. Please try again.',
  },
} satisfies Record<AuthorizationFaultReason, Omit<AuthorizationMessage, 'reason'>>;

/** What a page says to the person in front of it. */
export interface AuthorizationMessage {
  /** Stable; what to look at for words of your own or in another language. */
  reason: AuthorizationFaultReason;
  status: number;
  title: string;
  text: string;
}

/** Ends a log-in. `detail` is for the log: an error code or words of ours, nothing that a stranger has sent. */
export class AuthorizationFault extends Error {
  constructor(
    readonly reason: AuthorizationFaultReason,
    readonly detail: string | null = null,
  ) {
    super(`log-in: ${reason}`);
    this.name = 'AuthorizationFault';
  }
}

export const messageOf = (reason: AuthorizationFaultReason): AuthorizationMessage => ({
  reason,
  ...FAULTS[reason],
});

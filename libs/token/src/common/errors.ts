/**
 * Base of every error of this library. `code` is stable and meant for programs; `message` is meant for people.
 * No error carries a request, a response, a socket or a secret.
 */
export class TokenError extends Error {
  constructor(
    /** Stable and machine-readable, for example `TOKEN_NOT_FOUND`. */
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = new.target.name;
  }
}

/** The application's configuration is wrong; a developer or operator can act. `problems` lists every fault found. */
export class TokenConfigurationError extends TokenError {
  constructor(
    readonly problems: readonly string[],
    code = 'CONFIGURATION_INVALID',
  ) {
    super(
      code,
      problems.length === 1 ? problems[0]! : `${problems.length} faults:\n- ${problems.join('\n- ')}`,
    );
  }
}

/** The caller passed something that cannot be right; refused before any I/O. `field` names the input. */
export class TokenInputError extends TokenError {
  constructor(
    readonly field: string,
    expected: string,
    code = 'INPUT_INVALID',
  ) {
    super(code, `${field}: ${expected}`);
  }
}

/** Nothing is stored for this `TokenRef`: the user has not connected this provider, or has disconnected it. */
export class TokenNotFoundError extends TokenError {
  constructor(readonly provider: string) {
    super(
      'TOKEN_NOT_FOUND',
      `No token is stored for this user at provider "${provider}": the user has to log in there first.`,
    );
  }
}

/** Only the user can help: the stored grant is dead or cannot be refreshed. Send the user to the provider's log-in. */
export class ReauthorizationRequiredError extends TokenError {
  constructor(
    readonly provider: string,
    readonly reason: string,
  ) {
    super('REAUTHORIZATION_REQUIRED', `The user has to log in at provider "${provider}" again (${reason}).`);
  }
}

/** The stored grant does not cover a scope that was asked for. */
export class ScopeNotGrantedError extends TokenError {
  constructor(
    readonly provider: string,
    /** The scope values that are missing. */
    readonly missing: readonly string[],
    advice = 'Ask the user for consent to it.',
  ) {
    super('SCOPE_NOT_GRANTED', `Provider "${provider}" has not granted: ${missing.join(' ')}. ${advice}`);
  }
}

/** The provider could not be asked or gave no usable answer. The stored tokens are untouched; try again later. */
export class ProviderUnavailableError extends TokenError {
  constructor(
    readonly provider: string,
    readonly reason: string,
    /** Seconds after which a new attempt makes sense. */
    readonly retryAfter: number,
  ) {
    super(
      'PROVIDER_UNAVAILABLE',
      `Provider "${provider}" gives no tokens now (${reason}); retry after ${retryAfter} s.`,
    );
  }
}

/**
 * Codes of `TokenRequestRejectedError`: the client itself is refused, this grant type is not allowed to it, the scope, the
 * resource or audience, the user's access token, or the request for another reason.
 */
export type TokenRequestCode =
  | 'CLIENT_REJECTED'
  | 'GRANT_TYPE_REJECTED'
  | 'SCOPE_REJECTED'
  | 'TARGET_REJECTED'
  | 'SUBJECT_REJECTED'
  | 'REQUEST_REJECTED';

/** The provider refuses to issue the token that was asked for. A developer or operator can act; `code` and message say on what. */
export class TokenRequestRejectedError extends TokenError {
  constructor(
    readonly provider: string,
    code: TokenRequestCode,
    /** The provider's error code (RFC 6749 §5.2, RFC 8693 §2.2.2), or its status. */
    readonly reason: string,
    advice: string,
    /** Seconds before which the same call fails without asking the provider again. */
    readonly retryAfter: number,
  ) {
    super(code, `Provider "${provider}" refuses the token (${reason}). ${advice}`);
  }
}

/** Nobody is logged in: there is no session, or it is over. */
export class SessionRequiredError extends TokenError {
  constructor() {
    super('SESSION_REQUIRED', 'There is no session, or it is over: the user has to log in.');
  }
}

/** The request may come from a page of another site: it lacks what such a page cannot send. */
export class CrossSiteRequestError extends TokenError {
  constructor(expected: string) {
    super('CROSS_SITE_REQUEST', expected);
  }
}

/** A stored value could not be opened. On purpose without detail: the reason is in log, metric and health. */
export class DecryptionError extends TokenError {
  readonly #reason: string;

  constructor(reason: string) {
    super(
      'DECRYPTION_FAILED',
      'A stored token could not be decrypted. It was kept as it is; the log tells the reason.',
    );
    this.#reason = reason;
  }

  /** @internal For this library's own jobs: not on the object, where callers would see it. */
  static reasonOf(error: DecryptionError): string {
    return error.#reason;
  }
}

/** The encryption key is not available (wrong or missing key-encryption key, or its service is away). */
export class KeyUnavailableError extends TokenError {
  constructor(
    readonly reason: string,
    /** What goes on after a failure says here how far it has come. */
    advice = 'The health endpoint tells more.',
  ) {
    super('KEY_UNAVAILABLE', `No usable encryption key (${reason}). ${advice}`);
  }
}

/**
 * A change of a key was refused; nothing was changed. `message` says why and what is needed. Codes: `KEY_IN_USE` rows
 * remain, `KEY_STATE_INVALID`, `KEY_DESTROY_TOO_EARLY`, `KEK_NOT_EVERYWHERE` a live replica lacks the key-encryption key.
 */
export class KeyStateError extends TokenError {}

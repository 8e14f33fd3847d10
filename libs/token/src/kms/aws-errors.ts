import { KeyError } from '../keys/key-wrapper.js';

const THROTTLED =
  /^(?:Throttling|ThrottlingException|LimitExceededException|RequestLimitExceeded|TooManyRequestsException)$/;
const TIMED_OUT =
  /^(?:AbortError|TimeoutError|RequestTimeout|RequestTimeoutException|DependencyTimeoutException)$/;
const WRONG_BLOB = /^(?:InvalidCiphertextException|IncorrectKeyException)$/;

/** What the operator has to look at, by the name of the service's error. */
const UNAVAILABLE: Record<string, string> = {
  AccessDeniedException: 'access was denied: check the IAM policy and the key policy',
  DisabledException: 'the key is disabled',
  KMSInvalidStateException: 'the key is not in a usable state (pending deletion or import)',
  NotFoundException: 'the key was not found in this account and region',
  InvalidKeyUsageException: 'the key is not for encryption and decryption',
  KeyUnavailableException: 'the key cannot be used at the moment',
  CredentialsProviderError: 'there are no AWS credentials',
  ExpiredTokenException: 'the AWS credentials have expired',
  UnrecognizedClientException: 'the AWS credentials were refused',
  InvalidSignatureException: 'the AWS credentials were refused',
};

/** Translates what the AWS client throws: its message names accounts and keys, and it carries request and response. */
export function awsKeyError(error: unknown, kekId: string): KeyError {
  if (error instanceof KeyError) return error;
  const {
    name = '',
    code,
    $metadata,
  } = (error ?? {}) as {
    name?: string;
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  const about = `AWS KMS, key "${kekId}"`;
  const status = $metadata?.httpStatusCode;
  if (THROTTLED.test(name) || status === 429)
    return new KeyError('KMS_THROTTLED', `${about}: too many requests`);
  if (WRONG_BLOB.test(name))
    return new KeyError('KEK_UNWRAP_FAILED', `${about}: it does not open this data key under this context`);
  // A broken connection is called TimeoutError, too.
  if (typeof code === 'string' && /^E[A-Z_]{3,30}$/.test(code) && code !== 'ETIMEDOUT')
    return new KeyError('KEK_UNAVAILABLE', `${about}: the service could not be reached (${code})`);
  if (TIMED_OUT.test(name) || code === 'ETIMEDOUT')
    return new KeyError('KMS_TIMEOUT', `${about}: the service did not answer in time`);
  return new KeyError('KEK_UNAVAILABLE', `${about}: ${hint(name, status)}`);
}

function hint(name: string, status: number | undefined): string {
  if (Object.hasOwn(UNAVAILABLE, name)) return UNAVAILABLE[name]!;
  if (status !== undefined && status >= 500) return `the service failed (${status})`;
  if (name === 'SyntaxError') return 'the answer could not be read';
  return `the request failed (${/^[A-Za-z]{1,64}$/.test(name) ? name : 'unknown error'})`;
}

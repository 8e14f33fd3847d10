import {
  ApiRequestError,
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  ScopeNotGrantedError,
  TokenError,
  TokenNotFoundError,
} from '@tokenward/nestjs';

type NextStep =
  | { step: 'log in' }
  | { step: 'try again'; inSeconds: number }
  | { step: 'look at the call' }
  | { step: 'call an operator' };

/** What a background job or a page does about a failed `getAccessToken` or `TokenHttpService` call. */
export function nextStep(error: unknown): NextStep {
  if (!(error instanceof TokenError)) throw error;
  if (
    error instanceof TokenNotFoundError ||
    error instanceof ReauthorizationRequiredError ||
    error instanceof ScopeNotGrantedError
  )
    return { step: 'log in' };
  if (error instanceof ProviderUnavailableError) return { step: 'try again', inSeconds: error.retryAfter };
  if (error instanceof ApiRequestError) return afterApi(error);
  return { step: 'call an operator' };
}

/** A token was sent; what has failed is the call. Repeat only what may be done twice: the API may have done it. */
function afterApi({ code, status, retryAfter }: ApiRequestError): NextStep {
  const isPassing = code === 'API_UNREACHABLE' || status === 429 || (status ?? 0) >= 500;
  return isPassing ? { step: 'try again', inSeconds: retryAfter ?? 60 } : { step: 'look at the call' };
}

import {
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  ScopeNotGrantedError,
  TokenError,
  TokenNotFoundError,
} from '@tokenward/nestjs';

type NextStep = { step: 'log in' } | { step: 'try again'; inSeconds: number } | { step: 'call an operator' };

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
  return { step: 'call an operator' };
}

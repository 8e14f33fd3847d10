import { SetMetadata } from '@nestjs/common';

export interface UseTokenOptions {
  /** Scope values, separated by spaces, that the token must cover. */
  scope?: string;
}

export interface RequiredToken extends UseTokenOptions {
  provider: string;
}

export const REQUIRED_TOKEN = 'tokenward:required-token';

/** The provider whose access token a controller or route needs; checked and fetched by `TokenGuard`. */
export const UseToken = (provider: string, options: UseTokenOptions = {}): MethodDecorator & ClassDecorator =>
  SetMetadata(REQUIRED_TOKEN, { provider, ...options } satisfies RequiredToken);

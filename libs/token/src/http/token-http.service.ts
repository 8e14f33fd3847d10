import { HttpService } from '@nestjs/axios';
import axios, {
  type AxiosInstance,
  type AxiosPromise,
  type AxiosRequestConfig,
  type AxiosResponse,
} from 'axios';
import type { Observable } from 'rxjs';
import type { TokenRef } from '../common/tokens.js';
import type { Providers } from '../oauth/providers.js';
import type { TokenService } from '../token.service.js';
import { TokenInterceptors } from './token-interceptors.js';

declare module 'axios' {
  interface AxiosRequestConfig {
    /** Whose access token this request carries; for `TokenHttpService` only. */
    token?: TokenRef;
  }
}

/**
 * `HttpService` whose requests carry the access token of a `TokenRef`: bound by `as(ref)` or named in the request's
 * `token`. On 401 the token is refreshed once and the request repeated once. The token goes only to the provider's
 * `apiOrigins`; a request without a `TokenRef` is refused. Requests fail with `TokenError`s (see `ApiRequestError`).
 */
export class TokenHttpService extends HttpService {
  constructor(tokens: TokenService, providers: Providers, cooldownSeconds: number) {
    const instance = axios.create();
    new TokenInterceptors(instance, tokens, providers, cooldownSeconds).install();
    super(instance);
  }

  /** The same service for one user's token. */
  as(ref: TokenRef): HttpService {
    return new BoundHttpService(this.instance, ref);
  }
}

class BoundHttpService extends HttpService {
  constructor(
    instance: AxiosInstance,
    private readonly ref: TokenRef,
  ) {
    super(instance);
  }

  protected override makeObservable<T>(
    send: (...args: unknown[]) => AxiosPromise<T>,
    ...args: unknown[]
  ): Observable<AxiosResponse<T>> {
    const config: AxiosRequestConfig = {
      ...(args.at(-1) as AxiosRequestConfig | undefined),
      token: this.ref,
    };
    return super.makeObservable<T>(send, ...args.slice(0, -1), config);
  }
}

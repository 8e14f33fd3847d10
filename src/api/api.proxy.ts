import { BadRequestException, ForbiddenException, Injectable } from '@nestjs/common';
import { TokenHttpService } from '@tokenward/nestjs';
import type { Session } from '@tokenward/nestjs/session';
import type { AxiosResponse } from 'axios';
import { firstValueFrom } from 'rxjs';
import type { ProviderApi } from '../config/providers-file.js';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { isListed } from './call-list.js';

export interface ApiCall {
  method: string;
  /** Path and query, beginning with a slash. */
  path: string;
  body?: unknown;
}

const mostBytes = 5 * 1024 * 1024;

/** Calls a provider's API as a user: only what the configuration lists, and only at the configured address. */
@Injectable()
export class ApiProxy {
  constructor(
    private readonly http: TokenHttpService,
    private readonly providers: ProviderDirectory,
  ) {}

  call(
    { userId, tenantId }: Session,
    provider: string,
    { method, path, body }: ApiCall,
  ): Promise<AxiosResponse<Buffer>> {
    const api = this.apiOf(provider);
    const url = new URL(path, api.baseUrl);
    const below = new URL(api.baseUrl).pathname.replace(/\/$/, '');
    url.pathname = below + url.pathname;
    if (
      url.origin !== new URL(api.baseUrl).origin ||
      !isListed(api.calls, method, url.pathname.slice(below.length))
    ) {
      throw new ForbiddenException('This call is not on the list of calls that are passed on.');
    }
    return firstValueFrom(
      this.http.as({ userId, tenantId, provider }).request<Buffer>({
        method,
        url: url.href,
        data: body,
        responseType: 'arraybuffer',
        maxContentLength: mostBytes,
        maxRedirects: 0,
        // Whatever the API says is for the page to read; that it could not be asked is an error.
        validateStatus: () => true,
      }),
    );
  }

  private apiOf(provider: string): ProviderApi {
    const { api } = this.providers.get(provider);
    if (!api) throw new BadRequestException('No API is configured for this provider.');
    return api;
  }
}

import { Injectable } from '@nestjs/common';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { apiUnknown } from './api.fault.js';
import { ListedApi } from './listed-api.js';

/** The APIs of the configured providers. */
@Injectable()
export class ListedApis {
  private readonly apis: ReadonlyMap<string, ListedApi>;

  constructor(providers: ProviderDirectory) {
    const entries = providers.list().flatMap(({ name }) => {
      const { api } = providers.get(name);
      return api ? [[name, new ListedApi(name, api)] as const] : [];
    });
    this.apis = new Map(entries);
  }

  /** @throws ApiFault `API_UNKNOWN` */
  get(provider: string): ListedApi {
    const api = this.apis.get(provider);
    if (!api) throw apiUnknown();
    return api;
  }
}

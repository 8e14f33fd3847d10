import { apiLimits, type ApiLimits } from '../config/api-limits.js';
import type { ProviderApi } from '../config/providers-file.js';
import { isPlainPath } from '../common/plain-path.js';
import { isListed } from './call-list.js';

/** A provider's API as far as calls to it are passed on. */
export class ListedApi {
  readonly limits: ApiLimits;
  /** Without a slash at its end: the path of a call begins with one. */
  private readonly base: string;
  private readonly calls: readonly string[];

  constructor(
    readonly provider: string,
    { baseUrl, calls, limits = apiLimits.parse({}) }: ProviderApi,
  ) {
    const { origin, pathname } = new URL(baseUrl);
    this.base = origin + pathname.replace(/\/$/, '');
    this.calls = calls;
    this.limits = limits;
  }

  /**
   * The address of a call, with path and query as they came: what was compared with the list is what is sent. Null: it
   * is not listed, or the URL parser of whoever sends it would write it in another way.
   */
  addressOf(method: string, pathAndQuery: string): string | null {
    const [path = ''] = pathAndQuery.split('?', 1);
    if (!isPlainPath(path) || !isListed(this.calls, method, path) || pathAndQuery.includes('#')) return null;
    const address = this.base + pathAndQuery;
    return URL.canParse(address) && new URL(address).href === address ? address : null;
  }

  /** Where a `Location` leads to in this app; null: out of this API. `address` is that of the call. */
  locationHere(location: string, address: string): string | null {
    if (!URL.canParse(location, address)) return null;
    const { href, hash, search } = new URL(location, address);
    if (!href.startsWith(`${this.base}/`)) return null;
    const path = href.slice(this.base.length, href.length - hash.length - search.length);
    return isPlainPath(path) ? `/api/${this.provider}${path}${search}${hash}` : null;
  }
}

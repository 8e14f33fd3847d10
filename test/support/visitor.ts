type Request = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

/** A browser without a screen: keeps cookies, goes where it is sent one step at a time, and fills in forms. */
export class Visitor {
  private readonly cookies = new Map<string, Map<string, string>>();

  async get(url: string, init: Request = {}): Promise<Response> {
    const { origin } = new URL(url);
    const jar = this.cookies.get(origin) ?? new Map<string, string>();
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', ...init, headers: { ...init.headers, cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [name, value] = set.split(';')[0]!.split(/=(.*)/s) as [string, string];
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(set)) jar.delete(name);
      else jar.set(name, value);
    }
    this.cookies.set(origin, jar);
    return response;
  }

  /** As a page of the application asks, with the header that other sites cannot send. */
  ask(url: string, init: Request = {}): Promise<Response> {
    return this.get(url, { ...init, headers: { 'x-tokenward-csrf': '1', ...init.headers } });
  }

  post(url: string, init: Request = {}): Promise<Response> {
    return this.ask(url, { method: 'POST', ...init });
  }

  /** Is nobody there any more. */
  forget(origin: string): void {
    this.cookies.delete(origin);
  }

  /** The cookies that this origin has set, as a header. */
  cookieFor(origin: string): string {
    return [...(this.cookies.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Follows redirects until a page is there, or until the next address is one to stop at. */
  async follow(url: string, stopAt?: string): Promise<{ url: string; response: Response | null }> {
    if (stopAt !== undefined && url.startsWith(stopAt)) return { url, response: null };
    const response = await this.get(url);
    const location = response.headers.get('location');
    return location === null ? { url, response } : this.follow(new URL(location, url).href, stopAt);
  }

  /** Logs in at the app with the test provider's form; returns the address of the callback without going there. */
  async callbackAfterLogIn(
    app: string,
    form: Record<string, string> = { name: 'ada', password: 'x' },
    provider = 'test',
  ): Promise<string> {
    const page = await this.follow(`${app}/auth/login/${provider}`);
    const submitted = await this.get(page.url, { method: 'POST', body: new URLSearchParams(form) });
    const next = new URL(submitted.headers.get('location')!, page.url).href;
    return (await this.follow(next, `${app}/auth/callback`)).url;
  }

  async logIn(app: string, provider?: string): Promise<void> {
    const { url } = await this.follow(await this.callbackAfterLogIn(app, undefined, provider));
    if (url !== `${app}/`) throw new Error(`The log-in ended at ${url}`);
  }
}

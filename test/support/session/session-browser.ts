import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Session, SessionRequest, SessionService, StartSession } from '@tokenward/nestjs/session';

/** Keeps cookies as a browser does, and calls the service as a controller would. */
export class SessionBrowser {
  readonly cookies = new Map<string, string>();
  /** The last response. */
  response = new ServerResponse(new IncomingMessage(new Socket()));

  constructor(private readonly sessions: SessionService) {}

  get request(): SessionRequest {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return { headers: cookie === '' ? {} : { cookie } };
  }

  async logIn(what: StartSession): Promise<Session> {
    return this.#keeping((response) => this.sessions.start(this.request, response, what));
  }

  current(): Promise<Session | null> {
    return this.sessions.current(this.request);
  }

  async logOut(): Promise<void> {
    await this.#keeping((response) => this.sessions.end(this.request, response));
  }

  async #keeping<T>(call: (response: ServerResponse) => Promise<T>): Promise<T> {
    this.response = new ServerResponse(new IncomingMessage(new Socket()));
    const result = await call(this.response);
    for (const text of [this.response.getHeader('set-cookie') ?? []].flat()) this.#keep(String(text));
    return result;
  }

  #keep(text: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(text)!;
    if (/; Max-Age=0(;|$)/.test(text)) this.cookies.delete(name!);
    else this.cookies.set(name!, value!);
  }
}

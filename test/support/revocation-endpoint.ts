import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Answer = { status: number; headers?: Record<string, string>; body?: unknown } | 'drop';

/** A revocation endpoint in front of a provider's own, which can be down, and knows who has asked for what. */
export class RevocationEndpoint {
  /** Tokens that were to be revoked, in the order of the requests. */
  readonly requests: string[] = [];
  #answer: Answer | null = null;
  #held: Promise<void> | null = null;
  #release: () => void = () => undefined;
  readonly #server = createServer((request, response) => void this.answer(request, response));

  /** `target` is the issuer of the test provider. */
  constructor(private readonly target: string) {}

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, 'localhost', resolve));
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/revoke`;
  }

  /** From now on answers so instead of the provider. */
  fail(answer: Answer): void {
    this.#answer = answer;
  }

  /** Requests wait until the returned function is called. */
  hold(): () => void {
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
    return () => {
      this.#held = null;
      this.#release();
    };
  }

  /** The provider is back. */
  clear(): void {
    this.#answer = null;
    this.#held = null;
    this.#release();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    this.requests.push(new URLSearchParams(body).get('token') ?? '');
    await this.#held;
    const answer = this.#answer;
    if (answer === 'drop') {
      response.destroy();
      return;
    }
    if (answer !== null) {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(JSON.stringify(answer.body ?? {}));
      return;
    }
    const { authorization = '', 'content-type': type = '' } = request.headers;
    const headers = { authorization, 'content-type': type };
    const forwarded = await fetch(`${this.target}/token/revocation`, { method: 'POST', headers, body });
    response.writeHead(forwarded.status, { 'content-type': 'application/json' });
    response.end(await forwarded.text());
  }
}

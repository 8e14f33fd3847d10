import type { ServerResponse } from 'node:http';

/** An answer of one of the server's endpoints; `body` goes out as JSON. */
export interface OAuthAnswer {
  status: number;
  body?: object;
  challenge?: string;
}

/** A refusal of RFC 6749 §5.2. */
export class OAuthRefusal extends Error {
  constructor(
    readonly code: string,
    description: string,
    readonly status = 400,
  ) {
    super(description);
  }

  get answer(): OAuthAnswer {
    const body = { error: this.code, error_description: this.message };
    return this.status === 401
      ? { status: 401, body, challenge: `Basic realm="test", error="${this.code}"` }
      : { status: this.status, body };
  }
}

export function send(response: ServerResponse, { status, body, challenge }: OAuthAnswer): void {
  response.writeHead(status, {
    ...(body && { 'content-type': 'application/json' }),
    'cache-control': 'no-store',
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
  });
  response.end(body && JSON.stringify(body));
}

interface Registration {
  issuer: string;
  clientId: string;
  clientSecret?: string | undefined;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Empty where the body is no JSON object. */
  json: Record<string, unknown>;
}

/** The plainest client of a token endpoint: no retries, no checks, no redirects. */
export class TokenClient {
  readonly issuer: string;
  readonly clientId: string;

  constructor(private readonly registration: Registration) {
    ({ issuer: this.issuer, clientId: this.clientId } = registration);
  }

  /** The same client with something else in its registration. */
  with(other: Partial<Registration>): TokenClient {
    return new TokenClient({ ...this.registration, ...other });
  }

  refresh(refreshToken: string): Promise<Answer> {
    return this.post('/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
  }

  revoke(token: string): Promise<Answer> {
    return this.post('/token/revocation', { token });
  }

  /** `headers` replace the client's authentication. */
  async post(path: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Answer> {
    const response = await this.send(path, form, headers);
    const text = await response.text();
    const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: response.status, headers: response.headers, json };
  }

  send(
    path: string,
    form: Record<string, string>,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Response> {
    const { clientSecret } = this.registration;
    const isPublic = clientSecret === undefined && headers === undefined;
    return fetch(this.issuer + path, {
      method: 'POST',
      redirect: 'manual',
      headers: headers ?? (isPublic ? {} : { authorization: this.#basic(clientSecret!) }),
      body: new URLSearchParams({ ...form, ...(isPublic && { client_id: this.clientId }) }),
      signal: signal ?? null,
    });
  }

  #basic(secret: string): string {
    const encoded = (text: string): string => new URLSearchParams({ text }).toString().slice('text='.length);
    return `Basic ${Buffer.from(`${encoded(this.clientId)}:${encoded(secret)}`).toString('base64')}`;
  }
}

/* What the pages share: the elements, and the app behind them. */
export const byId = (id) => document.getElementById(id);

/** The app has refused: its words, the code for programs, and how to go on where it says so. */
export class Problem extends Error {
  constructor(response, body) {
    super(body?.detail ?? body?.error ?? `The app answered ${response.status}.`);
    this.status = response.status;
    this.code = body?.code;
    this.login = body?.login;
    this.provider = body?.provider;
    this.retryAfterSeconds = Number(response.headers.get('retry-after')) || null;
  }
}

const jsonIn = (response) =>
  (response.headers.get('content-type') ?? '').includes('json') ? response.json() : null;

/** Asks the app with what can `fetch`. */
export const asking =
  (send) =>
  async (path, method = 'GET', content) => {
    const request = { method, headers: { 'x-tokenward-csrf': '1' } };
    if (content !== undefined) {
      request.headers['content-type'] = 'application/json';
      request.body = JSON.stringify(content);
    }
    const response = await send(path, request);
    const body = await jsonIn(response);
    if (!response.ok) throw new Problem(response, body);
    return { status: response.status, body };
  };

export const ask = asking((path, request) => fetch(path, request));

/* What the pages share: the elements, and the app behind them. */
export const byId = (id) => document.getElementById(id);

/** The app has refused: its words, and the code for programs. */
export class Problem extends Error {}

export async function ask(path, method = 'GET', content) {
  const request = { method, headers: { 'x-tokenward-csrf': '1' } };
  if (content !== undefined) {
    request.headers['content-type'] = 'application/json';
    request.body = JSON.stringify(content);
  }
  const response = await fetch(path, request);
  const type = response.headers.get('content-type') ?? '';
  const body = type.includes('json') ? await response.json() : null;
  if (response.ok) return { status: response.status, body };
  const problem = new Problem(body?.detail ?? body?.error ?? `The app answered ${response.status}.`);
  throw Object.assign(problem, { status: response.status, code: body?.code });
}

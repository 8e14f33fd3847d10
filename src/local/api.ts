import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { routes, type Introspection } from './api.routes.js';
import type { ProviderClient } from './provider.options.js';

interface Answer {
  status: number;
  body: unknown;
  /** How the caller should have authenticated. */
  challenge?: string;
}

type Ask = (token: string) => Promise<Introspection>;

const unavailable: Answer = {
  status: 502,
  body: { error: 'the provider cannot be asked about this token' },
};

/** A protected API. It asks the provider about every token it is shown (RFC 7662), so a revoked one is refused at once. */
export function createApi(issuer: string, client: ProviderClient): Server {
  const ask = (token: string): Promise<Introspection> => introspect(issuer, client, token);
  return createServer((request, response) => void respond(request, response, ask));
}

const isStream = (body: unknown): body is AsyncIterable<string> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

async function respond(request: IncomingMessage, response: ServerResponse, ask: Ask): Promise<void> {
  const { status, body, challenge } = await answerTo(request, ask).catch(() => unavailable);
  response.writeHead(status, {
    'content-type': isStream(body) ? 'application/x-ndjson' : 'application/json',
    'cache-control': 'no-store',
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
  });
  const lines = isStream(body) ? body : [JSON.stringify(body)];
  // Who hangs up in the middle wants no more of it.
  await pipeline(Readable.from(lines), response).catch(() => undefined);
}

async function answerTo(request: IncomingMessage, ask: Ask): Promise<Answer> {
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return { status: 401, body: { error: 'no token' }, challenge: 'Bearer' };
  const introspection = await ask(token);
  if (!introspection.active || !introspection.scope?.split(' ').includes('api')) {
    return { status: 401, body: { error: 'invalid_token' }, challenge: 'Bearer error="invalid_token"' };
  }
  const route = request.method === 'GET' ? routes[request.url ?? ''] : undefined;
  return route ? { status: 200, body: route(introspection) } : { status: 404, body: { error: 'not found' } };
}

async function introspect(issuer: string, client: ProviderClient, token: string): Promise<Introspection> {
  const credentials = Buffer.from(`${client.id}:${client.secret}`).toString('base64');
  const response = await fetch(`${issuer}/token/introspection`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ token }),
  });
  if (!response.ok) throw new Error(`introspection answered ${response.status}`);
  return (await response.json()) as Introspection;
}

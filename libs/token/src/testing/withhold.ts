import type { ServerResponse } from 'node:http';

/** Nothing that is written to `response` leaves, and its end breaks the connection. */
export function loseReply(response: ServerResponse): void {
  response.write = () => true;
  response.flushHeaders = () => undefined;
  response.end = () => response.destroy();
}

/** Keeps back what is written to `response` until the returned function is called. */
export function withhold(response: ServerResponse): () => void {
  const kept: (() => unknown)[] = [];
  const keep = <R>(name: 'write' | 'end' | 'flushHeaders', result: R) => {
    const original = response[name].bind(response) as (...args: unknown[]) => unknown;
    return (...args: unknown[]): R => {
      kept.push(() => original(...args));
      return result;
    };
  };
  const held = {
    write: keep('write', true),
    end: keep('end', response),
    flushHeaders: keep('flushHeaders', undefined),
  };
  Object.assign(response, held);
  return () => {
    for (const name of ['write', 'end', 'flushHeaders'] as const) Reflect.deleteProperty(response, name);
    // The client may have gone.
    if (!response.destroyed) for (const send of kept) send();
  };
}

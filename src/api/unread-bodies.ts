import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Nothing parses what a request to this route brings along: `request.raw` is still to be read. */
    bodyUnread?: true;
  }
}

export const bodyUnread = { bodyUnread: true } as const;

const noBody = { 'content-type': undefined, 'content-length': undefined, 'transfer-encoding': undefined };

/**
 * Lets routes with `bodyUnread` have their bodies as streams. Parsers belong to all routes of an instance, and Nest has
 * one instance for all of its routes: so those parsers are told that there is nothing to parse.
 */
export function leaveBodiesUnread(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.bodyUnread) request.headers = noBody;
    done();
  });
}

import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { certificate } from './certificate.js';

export type Scheme = 'http' | 'https';

export interface Site {
  port: number;
  stop(): Promise<void>;
}

/** A server for browsers under whatever names lead here. */
export async function startSite(scheme: Scheme, listener: RequestListener): Promise<Site> {
  const server = scheme === 'http' ? createServer(listener) : createSecureServer(await certificate, listener);
  // Both addresses that `localhost` may be.
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections (Linux: from 32768, IANA: from 49152), above those of services. */
const PORTS = { first: 15_000, end: 32_768 };
const ATTEMPTS = 50;

/**
 * A port that is free now. One that the system chooses may be the near end of some connection a moment later, and tests make
 * thousands of those; this one only another server could take, which then fails loudly.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = randomInt(PORTS.first, PORTS.end);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error;
    }
  }
}

import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A port the system has just called free; another process may take it before use, which then fails loudly. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

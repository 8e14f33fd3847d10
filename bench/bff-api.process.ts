import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An API that costs next to nothing: about a kilobyte of JSON, whoever asks. */
const body = JSON.stringify({
  items: Array.from({ length: 20 }, (_, id) => ({ id, name: 'An item of a list' })),
});
const head = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), etag: '"1"' };

const server = createServer((_request, response) => response.writeHead(200, head).end(body));
server.listen(0, '127.0.0.1', () => {
  process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.once('disconnect', () => process.exit(0));

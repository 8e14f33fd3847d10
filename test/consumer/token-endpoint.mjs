import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * The smallest authorization server: refresh-N is good once, for access-N+1 and refresh-N+1 (RFC 6749 §6). And an API
 * that accepts access tokens from access-2 on.
 */
export async function startTokenEndpoint() {
  let generation = 0;
  const server = createServer(async (request, response) => {
    if (request.url === '/api') {
      const { authorization } = request.headers;
      const old = /^Bearer access-[01]$/.test(authorization);
      response.writeHead(old ? 401 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ authorization }));
      return;
    }
    const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    const good =
      body.get('grant_type') === 'refresh_token' && body.get('refresh_token') === `refresh-${generation}`;
    if (good) generation += 1;
    response.writeHead(good ? 200 : 400, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(
      JSON.stringify(
        good
          ? {
              access_token: `access-${generation}`,
              refresh_token: `refresh-${generation}`,
              token_type: 'Bearer',
              expires_in: 3600,
            }
          : { error: 'invalid_grant' },
      ),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/token`, stop: () => server.close() };
}

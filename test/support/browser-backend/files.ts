import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const scripts = new Map<string, Promise<string>>();
const documents: Record<string, string> = {
  '/': '<!doctype html><title>Page</title><script type="module" src="/page.js"></script>',
  '/react':
    '<!doctype html><title>React</title><div id="root"></div><script type="module" src="/react-page.js"></script>',
};

/** Sends a page or its script, made from the built package. @returns whether there is such a file */
export async function serveFile(
  path: string,
  response: ServerResponse,
  connectTo: string[],
): Promise<boolean> {
  const script = /^\/(page|react-page|worker)\.js$/.exec(path)?.[1];
  const text = script ? await bundled(script) : documents[path];
  if (text === undefined) return false;
  response.writeHead(200, {
    'content-type': script ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "worker-src 'self'",
      `connect-src 'self' ${connectTo.join(' ')}`,
      "require-trusted-types-for 'script'",
      'trusted-types worker',
    ].join('; '),
  });
  response.end(text);
  return true;
}

/** Once for all tests of a file. */
function bundled(name: string): Promise<string> {
  const script = scripts.get(name) ?? bundle(name);
  scripts.set(name, script);
  return script;
}

async function bundle(name: string): Promise<string> {
  const extension = name === 'react-page' ? 'tsx' : 'ts';
  const made = await rolldown({
    input: join(import.meta.dirname, 'pages', `${name}.${extension}`),
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  });
  return (await made.generate({ format: 'es' })).output[0].code;
}

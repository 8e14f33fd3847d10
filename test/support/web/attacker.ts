import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Scheme, type Site, startSite } from './site.js';

const script = (name: string): string => readFileSync(join(import.meta.dirname, 'pages', name), 'utf8');

/** Another site, which does to the application's users whatever a page can do. */
export class Attacker {
  private constructor(private readonly site: Site) {}

  static async start(scheme: Scheme): Promise<Attacker> {
    return new Attacker(
      await startSite(scheme, (request, response) => {
        const { pathname, searchParams } = new URL(request.url!, 'http://attacker.test');
        const send = (type: string, text: string): void => {
          response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' });
          response.end(text);
        };
        if (pathname === '/') return send('text/html', '<!doctype html><title>A harmless page</title><body>');
        if (pathname === '/worker.js') return send('text/javascript', script('attacking-worker.js'));
        if (pathname !== '/onward') return void response.writeHead(404).end();
        // Keeps the method and the body (307), or makes it a GET (303).
        const status = Number(searchParams.get('status'));
        response.writeHead(status, { location: searchParams.get('to')! }).end();
      }),
    );
  }

  get port(): number {
    return this.site.port;
  }

  stop(): Promise<void> {
    return this.site.stop();
  }

  /** What defines `attacks` in one of its pages. */
  static readonly script = script('attacks.js');
}

import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyReply } from 'fastify';

/** The same folder seen from `src/web`, from `dist/web` and from `dist/bundle`. */
const folder = join(import.meta.dirname, '..', '..', 'src', 'page');

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file of the page's folder, read once. */
export class StaticFile {
  private readonly content: Buffer;
  private readonly type: string;

  constructor(name: string) {
    this.content = readFileSync(join(folder, name));
    this.type = types[extname(name)]!;
  }

  sendTo(reply: FastifyReply): void {
    void reply.type(this.type).send(this.content);
  }
}

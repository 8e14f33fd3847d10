import { Controller, Get, Header, NotFoundException, Param, Res } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyReply } from 'fastify';

/** The same folder seen from `src/web` and from `dist/web`. */
const folder = join(import.meta.dirname, '..', '..', 'src', 'page');

const types: Record<string, string> = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'favicon.svg': 'image/svg+xml',
};
const files = new Map(Object.keys(types).map((name) => [name, readFileSync(join(folder, name))]));

/** The page and what it is made of: a few files, read once. */
@Controller()
export class PageController {
  @Get()
  @Header('cache-control', 'no-cache')
  page(@Res() reply: FastifyReply): void {
    this.file('index.html', reply);
  }

  @Get(':file')
  @Header('cache-control', 'no-cache')
  file(@Param('file') name: string, @Res() reply: FastifyReply): void {
    const content = files.get(name);
    if (!content) throw new NotFoundException('There is nothing here.');
    void reply.type(types[name]!).send(content);
  }
}

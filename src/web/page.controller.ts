import { Controller, Get, Header, NotFoundException, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { StaticFile } from './static-file.js';

const files = new Map(
  ['index.html', 'page.css', 'page.js', 'app.js', 'favicon.svg'].map((name) => [name, new StaticFile(name)]),
);

/** The page and what it is made of. */
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
    const file = files.get(name);
    if (!file) throw new NotFoundException('There is nothing here.');
    file.sendTo(reply);
  }
}

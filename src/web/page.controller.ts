import { Controller, Get, Header, NotFoundException, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { filesIn, pageFolder, packageFolder, type StaticFile } from './static-file.js';

const pageFiles = filesIn(pageFolder);
/** The page uses the package as it is published. */
const packageFiles = filesIn(packageFolder('@tokenward/browser'));

/** The page and what it is made of. */
@Controller()
export class PageController {
  /** Not kept at all: a browser that is sent back to it after a log-out has to ask again. */
  @Get()
  @Header('cache-control', 'no-store')
  page(@Res() reply: FastifyReply): void {
    send(pageFiles, 'index.html', reply);
  }

  @Get(':file')
  @Header('cache-control', 'no-cache')
  file(@Param('file') name: string, @Res() reply: FastifyReply): void {
    send(pageFiles, name, reply);
  }

  @Get('tokenward-browser/:file')
  @Header('cache-control', 'no-cache')
  packageFile(@Param('file') name: string, @Res() reply: FastifyReply): void {
    send(packageFiles, name, reply);
  }
}

function send(files: ReadonlyMap<string, StaticFile>, name: string, reply: FastifyReply): void {
  const file = files.get(name);
  if (!file) throw new NotFoundException('There is nothing here.');
  file.sendTo(reply);
}

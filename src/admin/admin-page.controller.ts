import { join } from 'node:path';
import { Controller, Get, NotFoundException, Param, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { filesIn, pageFolder } from '../web/static-file.js';
import { CsrfGuard } from '../auth/csrf.guard.js';
import { AdminGuard } from './admin.guard.js';

const files = filesIn(join(pageFolder, 'admin'));

/** The operator's page. It shows what the other routes of the area answer. */
@Controller('admin')
@UseGuards(CsrfGuard, AdminGuard)
export class AdminPageController {
  @Get()
  page(@Res() reply: FastifyReply): void {
    this.file('page.html', reply);
  }

  @Get(':file')
  file(@Param('file') name: string, @Res() reply: FastifyReply): void {
    const file = files.get(name);
    if (!file) throw new NotFoundException('There is nothing here.');
    file.sendTo(reply);
  }
}

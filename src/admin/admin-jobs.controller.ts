import { Controller, Get, HttpCode, NotFoundException, Param, Post, UseGuards } from '@nestjs/common';
import { CsrfGuard } from '../auth/csrf.guard.js';
import { AdminGuard } from './admin.guard.js';
import { AdminJobs, type JobStatus } from './admin.jobs.js';

@Controller('admin/jobs')
@UseGuards(CsrfGuard, AdminGuard)
export class AdminJobsController {
  constructor(private readonly jobs: AdminJobs) {}

  @Get()
  list(): JobStatus[] {
    return this.jobs.list();
  }

  /** Answers when it has begun. */
  @Post(':name/run')
  @HttpCode(202)
  run(@Param('name') name: string): JobStatus {
    if (!this.jobs.isJob(name)) throw new NotFoundException('There is no job of that name.');
    return this.jobs.start(name);
  }
}

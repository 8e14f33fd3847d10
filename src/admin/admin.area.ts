import type { Provider, Type } from '@nestjs/common';
import { AdminController } from './admin.controller.js';
import { AdminCredential } from './admin.credential.js';
import { AdminGuard } from './admin.guard.js';
import { AdminJobs } from './admin.jobs.js';
import { AdminJobsController } from './admin-jobs.controller.js';
import { AdminPageController } from './admin-page.controller.js';
import { FailedAttempts } from './failed-attempts.js';

/** `/admin` and all below it. Without a password none of it is there. */
export function adminArea(password: string | undefined): { controllers: Type[]; providers: Provider[] } {
  if (password === undefined) return { controllers: [], providers: [] };
  return {
    controllers: [AdminController, AdminJobsController, AdminPageController],
    providers: [
      { provide: AdminCredential, useValue: new AdminCredential(password) },
      { provide: FailedAttempts, useValue: new FailedAttempts() },
      AdminGuard,
      AdminJobs,
    ],
  };
}

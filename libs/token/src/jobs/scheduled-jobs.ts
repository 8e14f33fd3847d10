import type { ScheduledJob } from './job-scheduler.js';
import type { TokenMaintenance } from './token-maintenance.js';

/** When a job runs; false: never. */
type Schedule = { cron: string } | false;

interface Schedules {
  ahead: Schedule;
  cleanup: Schedule;
  revocation: Schedule;
  rotation: Schedule;
}

/** The jobs that are not switched off. */
export function scheduledJobs(
  { ahead, cleanup, revocation, rotation }: Schedules,
  maintenance: TokenMaintenance,
): ScheduledJob[] {
  const jobs: [string, Schedule, ScheduledJob['run']][] = [
    ['tokenward-refresh-ahead', ahead, (signal) => maintenance.refreshAhead({ signal })],
    ['tokenward-clean-up', cleanup, () => maintenance.cleanUp()],
    ['tokenward-revoke', revocation, (signal) => maintenance.revokePending({ signal })],
    ['tokenward-rotation', rotation, (signal) => maintenance.rotate({ signal })],
  ];
  return jobs.flatMap(([name, schedule, run]) => (schedule ? [{ name, cron: schedule.cron, run }] : []));
}

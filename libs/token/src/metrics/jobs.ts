import { counter, type Handlers } from './handlers.js';

const JOBS = ['refresh_ahead', 'clean_up', 'revoke', 'rotate', 'reencrypt'];

export function jobs(): Handlers {
  const runs = counter('tokenward_job_runs_total', 'Runs of scheduled jobs by outcome.', {
    job: JOBS,
    outcome: ['succeeded', 'failed'],
  });
  const rows = counter('tokenward_job_rows_total', 'Rows that scheduled jobs have processed.', { job: JOBS });
  return {
    job_run({ job, outcome, processed }) {
      runs.inc({ job, outcome });
      rows.inc({ job }, processed);
    },
  };
}

import type { Scenario } from './scenario.js';
import { callerAborts } from './scenarios/aborts.js';
import { clocks } from './scenarios/clocks.js';
import { databaseAway } from './scenarios/database-away.js';
import { databaseCrash } from './scenarios/database-crash.js';
import { dpopNonces } from './scenarios/dpop-nonces.js';
import { badIdTokens, mutatedIdTokens } from './scenarios/id-tokens.js';
import { failingStatements } from './scenarios/failing-statements.js';
import { killsWithGrace, killsWithoutGrace } from './scenarios/kills.js';
import { logOuts } from './scenarios/log-outs.js';
import { oneExchange } from './scenarios/one-exchange.js';
import { outage } from './scenarios/outage.js';
import { pausedClaimant } from './scenarios/paused-claimant.js';
import { sixtyAnswers, staleRefusals, wrongSecret } from './scenarios/refusals.js';
import { alwaysUnauthorized, insufficientScope } from './scenarios/resource-server.js';
import { restoredBackup } from './scenarios/restored-backup.js';
import { rollingRestart, sigterm } from './scenarios/shutdown.js';
import { smallPool } from './scenarios/small-pool.js';
import { takeOver } from './scenarios/take-over.js';
import { tokenExchange } from './scenarios/token-exchange.js';
import { lifetimes, refreshTokens } from './scenarios/token-responses.js';

/** In the order of the lines. */
export const SCENARIOS: readonly Scenario[] = [
  oneExchange,
  pausedClaimant,
  takeOver,
  killsWithGrace,
  killsWithoutGrace,
  callerAborts,
  badIdTokens,
  databaseAway,
  databaseCrash,
  logOuts,
  sixtyAnswers,
  wrongSecret,
  staleRefusals,
  refreshTokens,
  lifetimes,
  clocks,
  alwaysUnauthorized,
  insufficientScope,
  outage,
  mutatedIdTokens,
  dpopNonces,
  tokenExchange,
  smallPool,
  sigterm,
  rollingRestart,
  restoredBackup,
  failingStatements,
];

export const LINES: readonly number[] = [...new Set(SCENARIOS.map(({ line }) => line))];

export { ageTokens, type AgeingDataSource } from './age-tokens.js';
export { startAuthorizationServer, type AuthorizationServer } from './authorization-server.js';
export type {
  AuthorizationServerOptions,
  MintedTokens,
  MintOptions,
  RefreshTokenMode,
  TestClient,
} from './authorization-server.options.js';
export { DatabaseFaults, type FaultyDataSource, type HeldStatement } from './database-faults.js';
export { Faults } from './faults.js';
export { FaultQueue, type HttpListener } from './fault-queue.js';
export { FixedClock } from './fixed-clock.js';
export { hashOf, Oracle, type SeenRevocation, type SeenTokenRequest } from './oracle.js';
export { Clock } from '../common/clock.js';

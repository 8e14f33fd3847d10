export { CurrentSession } from './current-session.decorator.js';
export { SessionGuard } from './session.guard.js';
export { SessionModule } from './session.module.js';
export type { HostSessions, SessionModuleOptions } from './session.options.js';
export { SessionService } from './session.service.js';
export { SessionTies } from './session-ties.js';
export type {
  EndedSession,
  Session,
  SessionEndFilter,
  SessionEndReason,
  SessionLogin,
  SessionOwner,
  SessionRequest,
  SessionResponse,
  StartSession,
} from './session.types.js';

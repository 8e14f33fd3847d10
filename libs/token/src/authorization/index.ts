export { AuthorizationModule } from './authorization.module.js';
export type {
  AuthorizationLimitOptions,
  AuthorizationModuleOptions,
  AuthorizedIdentity,
  AuthorizedUser,
  UserOf,
} from './authorization.options.js';
export type { AuthorizationFaultReason, AuthorizationMessage } from './faults.js';

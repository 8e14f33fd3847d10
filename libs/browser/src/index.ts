export { createTokenClient } from './token-client.js';
export { TokenClientError } from './token-client.error.js';
export type { AxiosInterceptors, AxiosLike } from './axios.js';
export type { LoggedOut } from './logout.js';
export type { SessionEnd, SessionInfo } from './session.js';
export type { TokenClient } from './token-client.js';
export type { TokenClientErrorCode, TokenClientErrorDetails } from './token-client.error.js';
export type {
  BffOptions,
  CommonOptions,
  MediatedOptions,
  TokenClientOptions,
} from './token-client.options.js';

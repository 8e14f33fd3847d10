import type { CleanupOptions, RevocationOptions, RotationOptions } from './jobs/job.options.js';
import type { KeyringFile } from './keys/keyring.js';
import type { KeyWrapper } from './keys/key-wrapper.js';
import type { ProviderOptions } from './oauth/provider.options.js';
import type { PrincipalOf } from './guard/principal.js';
import type { RefreshOptions } from './refresh/refresh.options.js';

export interface CacheOptions {
  /** Access tokens kept in memory, for one second or while changes are heard of. Default 10000. */
  maxEntries?: number;
}

export interface TokenModuleOptions {
  /** Providers by name: lower-case letters, digits, `-` and `_`, at most 64. */
  providers: Record<string, ProviderOptions>;
  /** Keys that wrap the data keys: `"2:base64,1:base64"` (the first one wraps, all unwrap), a file with the same entries, or a wrapper of your own. */
  encryption: { keyring: string | KeyringFile } | { wrapper: KeyWrapper };
  refresh?: RefreshOptions;
  cleanup?: false | CleanupOptions;
  /** Repeats revocations that have failed. `false`: nothing is scheduled; call `TokenMaintenance.revokePending()`. */
  revocation?: false | RevocationOptions;
  /** Rotation of data keys. `false`: nothing is scheduled; `KeyService` and `TokenMaintenance` still work. */
  rotation?: false | RotationOptions;
  /** Default: `{ maxEntries: 10000 }`. */
  cache?: false | CacheOptions;
  /** Who is calling a guarded route. Default: `req.user` with `userId`, `id` or `sub`. */
  principal?: PrincipalOf;
}

/** Of what is not public, and has no class of its own to be asked for by. */
export const OPTIONS = Symbol('tokenward resolved options');
export const CACHE = Symbol('tokenward cache');
/** Seals stored tokens; the public `EncryptionService` seals what the application has. */
export const TOKEN_ENCRYPTION = Symbol('tokenward token encryption');

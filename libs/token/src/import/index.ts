export {
  defineImport,
  type ImportDefinition,
  type ImportedTokens,
  type OpenStored,
  type SourceRow,
} from './definition.js';
export { importTokens, type ImportOptions } from './import-tokens.js';
export type { ImportObserver } from './importer.js';
export type { ImportCounts, ImportFailure, ImportProgress, ImportReport } from './report.js';
export { ImportError, type ImportFault } from './import.error.js';

export { type LegacyCipher, LegacyCipherError, type LegacyFault } from '../crypto/legacy/legacy-cipher.js';
export { anyOf } from '../crypto/legacy/any-of.js';
export { betterAuth, type BetterAuthOptions } from '../crypto/legacy/better-auth.js';
export { nango, type NangoOptions } from '../crypto/legacy/nango.js';
export { plainText } from '../crypto/legacy/plain-text.js';
export {
  tokenManagerWithIv,
  type TokenManagerWithIvOptions,
} from '../crypto/legacy/token-manager-with-iv.js';
export {
  tutorialTokenManager,
  type TutorialTokenManagerOptions,
} from '../crypto/legacy/tutorial-token-manager.js';
export { typeormEncrypted, type TypeormEncryptedOptions } from '../crypto/legacy/typeorm-encrypted.js';

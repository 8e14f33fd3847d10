/** The options of the module, checked. */
export const AUTHORIZATION_OPTIONS = Symbol('tokenward authorization options');
/** Where its routes are, without slashes at the ends. */
export const AUTHORIZATION_PREFIX = Symbol('tokenward authorization prefix');

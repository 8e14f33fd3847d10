const MAX_CHARACTERS = 2048;
/** What a browser strips or takes for a slash, and what begins another host when somebody decodes it once more. */
const SUSPICIOUS = /[\p{Cc}\p{Cf}\p{Z}\\]|^\/(?:\/|%(?:25)*(?:2f|5c|0[9ad]))/iu;
/** Only what is compared, never sent anywhere. */
const ANYWHERE = 'https://app.invalid';

/** A path as a router may take it: Fastify reads `/%61uth` as `/auth`, and Express `/AUTH`. */
const asRouted = (path: string): string =>
  path.replace(/%[2-7][\da-f]/gi, (character) => decodeURIComponent(character)).toLowerCase();

/**
 * The path of this origin that a log-in may end at, as a browser will read it; null for anything else. One slash, then no
 * second one, no back slash, no white space or control character, at most 2048 characters; nothing below `own`, where the
 * log-in itself lives.
 */
export function safeReturnTo(value: unknown, own: string): string | null {
  if (typeof value !== 'string' || value.length > MAX_CHARACTERS) return null;
  if (!value.startsWith('/') || !value.isWellFormed() || SUSPICIOUS.test(value)) return null;
  if (!URL.canParse(value, ANYWHERE)) return null;
  const { origin, pathname, search, hash } = new URL(value, ANYWHERE);
  // `/.//host` resolves to `//host`, which as a relative address is another host.
  if (origin !== ANYWHERE || SUSPICIOUS.test(pathname)) return null;
  if (`${asRouted(pathname)}/`.startsWith(`${asRouted(own)}/`)) return null;
  return pathname + search + hash;
}

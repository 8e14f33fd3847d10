/** RFC 3986 §3.3 without `;`: some servers cut a segment off there, others do not. */
const written = /^(?:\/(?:[\w.~!$&'()*+,=:@-]|%[\da-f]{2})*)+$/i;
/** What ends a segment for some server, or is decoded once more by it. */
const divides = /[/\\;%\p{Cc}]/u;
/** Nothing but dots, and around them what some servers cut off or do not see. */
const dots = /^[.\s\p{Default_Ignorable_Code_Point}]*(?:[?#]|$)/u;

/**
 * Whether every server reads the same segments out of a path: no `.` or `..`, no empty segment but the last one, and
 * nothing encoded that may be a divider or a dot to somebody who decodes it, leniently or twice.
 */
export function isPlainPath(path: string): boolean {
  if (!written.test(path)) return false;
  const [last = '', ...others] = path.slice(1).split('/').toReversed();
  return (last === '' || isPlainSegment(last)) && others.every(isPlainSegment);
}

function isPlainSegment(segment: string): boolean {
  const text = decoded(segment);
  return text !== null && !divides.test(text) && !dots.test(text);
}

/** Null: not UTF-8, overlong forms among it. Full-width dots and slashes are what some servers make of them. */
function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment).normalize('NFKC');
  } catch {
    return null;
  }
}

/** Scope values of several lists (RFC 6749 §3.3), each once, in the order in which they first come. */
export const unionOf = (...scopes: readonly (string | null | undefined)[]): string =>
  [...new Set(scopes.flatMap((scope) => valuesOf(scope)))].join(' ');

/** Values of the first that are not in the second. */
export function lacking(scope: string | null | undefined, others: string | null | undefined): string[] {
  const have = new Set(valuesOf(others));
  return valuesOf(scope).filter((value) => !have.has(value));
}

const valuesOf = (scope: string | null | undefined): string[] =>
  (scope ?? '').split(' ').filter((value) => value !== '');

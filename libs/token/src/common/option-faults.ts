import type { z } from 'zod';

/** Every fault of a module's options, one a line. */
export const faultsOf = (error: z.ZodError): string[] => error.issues.flatMap(describe);

/** `providers.github.issuer: must begin with https:`; never the value itself, which may be a secret. */
function describe(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join('.') || 'options';
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${[...issue.path, key].join('.')}: is not an option; check the spelling`);
  if (issue.code === 'invalid_key') return [`${path}: ${issue.issues[0]?.message ?? issue.message}`];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The branch that got furthest is the one that was meant.
    const best = issue.errors.toSorted(
      (a, b) =>
        Math.max(0, ...b.map((inner) => inner.path.length)) -
        Math.max(0, ...a.map((inner) => inner.path.length)),
    )[0]!;
    const deeper = best.some((inner) => inner.path.length > 0);
    if (deeper || issue.message === 'Invalid input')
      return best.flatMap((inner) => describe({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  return [`${path}: ${issue.message.replace(/^Invalid input: /, '')}`];
}

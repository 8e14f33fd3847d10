import { z } from 'zod';
import { TokenConfigurationError } from '../common/errors.js';

/** The bound of one request to a key service. */
export const timeoutSecondsSchema = z
  .number('must be a number of seconds')
  .positive('must be more than 0')
  .max(60, 'must be at most 60')
  .default(5);

/** Names of key-encryption keys, the one that wraps first. `fault` says what is wrong with a name, `idOf` which key it names. */
export const keyNamesSchema = (
  fault: (name: string) => string | null,
  idOf = (name: string): string => name,
): z.ZodType<string[]> =>
  z
    .array(z.string('must be a string'), 'must be a list of keys, the one that wraps first')
    .min(1, 'must name at least one key')
    .superRefine((names, context) => {
      const ids = names.map(idOf);
      for (const [index, name] of names.entries()) {
        const twin = ids.indexOf(ids[index]!) < index ? 'names a key that was named before' : null;
        const message = fault(name) ?? twin;
        if (message !== null) context.addIssue({ code: 'custom', path: [index], message });
      }
    });

/** @throws TokenConfigurationError with every fault at once; never the values, which may be secrets */
export function parseWrapperOptions<T>(wrapper: string, schema: z.ZodType<T>, options: unknown): T {
  const { success, data, error } = schema.safeParse(options);
  if (success) return data;
  const problems = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${key}: is not an option; check the spelling`)
      : [`${issue.path.join('.') || 'options'}: ${issue.message.replace(/^Invalid input: /, '')}`],
  );
  throw new TokenConfigurationError(problems.map((problem) => `${wrapper} ${problem}`));
}

import { validateCronExpression } from 'cron';
import { z } from 'zod';
import { TokenConfigurationError } from './common/errors.js';
import { faultsOf } from './common/option-faults.js';
import { principalFromRequest, type PrincipalOf } from './guard/principal.js';
import {
  CLEANUP_DEFAULTS,
  cleanupOptionsSchema,
  REVOCATION_DEFAULTS,
  revocationOptionsSchema,
  ROTATION_DEFAULTS,
  rotationOptionsSchema,
} from './jobs/job.options.js';
import { KeyWrapper } from './keys/key-wrapper.js';
import { LocalKeyWrapper } from './keys/local-key-wrapper.js';
import { parseKeyring, readKeyringFile } from './keys/keyring.js';
import { type ProviderOptions, providerOptionsSchema } from './oauth/provider.options.js';
import {
  AHEAD_DEFAULTS,
  REFRESH_DEFAULTS,
  refreshOptionsSchema,
  type ResolvedRefreshOptions,
} from './refresh/refresh.options.js';
import type { TokenModuleOptions } from './token.options.js';

/** The options with every default filled in. */
export interface ResolvedOptions {
  providers: Record<string, ProviderOptions>;
  wrapper: KeyWrapper;
  refresh: ResolvedRefreshOptions;
  ahead: typeof AHEAD_DEFAULTS | false;
  cleanup: typeof CLEANUP_DEFAULTS | false;
  revocation: typeof REVOCATION_DEFAULTS | false;
  rotation: typeof ROTATION_DEFAULTS | false;
  cacheEntries: number | false;
  principal: PrincipalOf;
}

const keyringSchema = z
  .union(
    [z.string(), z.strictObject({ file: z.string().min(1, 'must be a path') })],
    'must be "id:base64,…" or { file: "/path" }',
  )
  .transform((source, context) => {
    const { text, fault } =
      typeof source === 'string' ? { text: source, fault: null } : readKeyringFile(source);
    const { keyring, faults } = parseKeyring(text);
    for (const message of fault ? [fault] : faults) context.addIssue({ code: 'custom', message });
    return new LocalKeyWrapper(keyring, typeof source === 'string' ? null : source);
  });

const encryptionSchema = z
  .strictObject({
    keyring: keyringSchema.optional(),
    wrapper: z
      .instanceof(KeyWrapper, { error: 'must be an instance of a class that extends KeyWrapper' })
      .optional(),
  })
  .superRefine(({ keyring, wrapper }, context) => {
    if (!keyring === !wrapper)
      context.addIssue({
        code: 'custom',
        message:
          'needs either "keyring" or "wrapper": for a start, keyring: "1:" and the output of `openssl rand -base64 32`',
      });
  })
  .transform(({ keyring, wrapper }) => (wrapper ?? keyring) as KeyWrapper);

const schema = z.strictObject({
  providers: z
    .record(
      z
        .string()
        .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'name must be lower-case letters, digits, - and _, at most 64'),
      providerOptionsSchema,
    )
    .refine((providers) => Object.keys(providers).length > 0, 'must name at least one provider'),
  encryption: encryptionSchema,
  refresh: refreshOptionsSchema.optional(),
  cleanup: cleanupOptionsSchema.optional(),
  revocation: revocationOptionsSchema.optional(),
  rotation: rotationOptionsSchema.optional(),
  cache: z
    .union([
      z.literal(false),
      z.strictObject({ maxEntries: z.int().min(1, 'must be at least 1').optional() }),
    ])
    .optional(),
  principal: z
    .custom<PrincipalOf>((value) => typeof value === 'function', 'must be a function of the ExecutionContext')
    .optional(),
});

function cronFaults(schedules: Record<string, string | false>): string[] {
  return Object.entries(schedules).flatMap(([path, cron]) => {
    if (cron === false) return [];
    return validateCronExpression(cron).valid
      ? []
      : [`${path}: is not a cron expression: write for example "0 */5 * * * *"`];
  });
}

/** The key wrapper of `encryption` alone, by the same rules. @throws TokenConfigurationError with every fault at once */
export function resolveWrapper(encryption: unknown): KeyWrapper {
  const { data, error } = z.object({ encryption: encryptionSchema }).safeParse({ encryption });
  if (!data) throw new TokenConfigurationError(faultsOf(error));
  return data.encryption;
}

/** Validates the module's options and fills in the defaults. @throws TokenConfigurationError with every fault at once */
export function resolveOptions(options: TokenModuleOptions): ResolvedOptions {
  const parsed = schema.safeParse(options ?? {});
  const { refresh, cleanup, revocation, rotation } = (options ?? {}) as Partial<TokenModuleOptions>;
  const ahead = withDefaults(AHEAD_DEFAULTS, refresh?.ahead);
  const resolvedCleanup = withDefaults(CLEANUP_DEFAULTS, cleanup);
  const resolvedRevocation = withDefaults(REVOCATION_DEFAULTS, revocation);
  const resolvedRotation = withDefaults(ROTATION_DEFAULTS, rotation);
  const problems = [
    ...(parsed.error ? faultsOf(parsed.error) : []),
    ...cronFaults({
      'refresh.ahead.cron': ahead && ahead.cron,
      'cleanup.cron': resolvedCleanup && resolvedCleanup.cron,
      'revocation.cron': resolvedRevocation && resolvedRevocation.cron,
      'rotation.cron': resolvedRotation && resolvedRotation.cron,
    }),
  ];
  if (!parsed.success || problems.length > 0)
    throw new TokenConfigurationError(problems.map((problem) => `TokenModule ${problem}`));
  const { data } = parsed;
  const { ahead: _ahead, ...rest } = data.refresh ?? {};
  return {
    providers: data.providers,
    wrapper: data.encryption,
    refresh: { ...REFRESH_DEFAULTS, ...withoutUndefined(rest) },
    ahead,
    cleanup: resolvedCleanup,
    revocation: resolvedRevocation,
    rotation: resolvedRotation,
    cacheEntries: data.cache === false ? false : (data.cache?.maxEntries ?? 10_000),
    principal: data.principal ?? principalFromRequest,
  };
}

function withDefaults<T extends object>(defaults: T, given: Partial<T> | false | undefined): T | false {
  return given === false ? false : { ...defaults, ...withoutUndefined(given ?? {}) };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]-?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as never;
}

import { readFileSync } from 'node:fs';
import type { ProviderOptions } from '@tokenward/nestjs';
import { z } from 'zod';

const call = /^(GET|POST|PUT|PATCH|DELETE) \/\S*$/;

/** What the app itself wants to know of a provider. The rest is the library's, which validates it when it starts. */
const entry = z.looseObject({
  label: z.string().optional(),
  note: z.string().optional(),
  api: z
    .strictObject({
      baseUrl: z.url({ protocol: /^https?$/, error: 'must be an address such as https://api.example.com' }),
      calls: z.array(z.string().regex(call, 'must be like "GET /me"; a path may end in "/*"')),
    })
    .optional(),
});

const file = z.record(
  z.string().regex(/^[a-z\d_-]{1,64}$/, 'must be a name of 1 to 64 of a-z 0-9 _ -'),
  entry,
);

/** The API that is called with a provider's tokens, and the only calls that are passed on to it. */
export interface ProviderApi {
  baseUrl: string;
  calls: string[];
}

export interface AppProvider {
  label: string;
  /** Shown below the log-in button. */
  note: string | null;
  api: ProviderApi | null;
  options: ProviderOptions;
}

export type AppProviders = Record<string, AppProvider>;

function appProvider(name: string, { label, note, api, ...options }: z.infer<typeof entry>): AppProvider {
  const apiOrigins = api && [new URL(api.baseUrl).origin];
  return {
    label: label ?? name,
    note: note ?? null,
    api: api ?? null,
    options: { ...(apiOrigins && { apiOrigins }), ...options } as unknown as ProviderOptions,
  };
}

/** Reads PROVIDERS_FILE: a JSON object from the provider's name to its options. */
export function readProvidersFile(path: string): { providers: AppProviders; faults: string[] } {
  const where = `PROVIDERS_FILE ${path}`;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // The parser quotes what it could not read, and that may be a client secret.
    const reason =
      error instanceof SyntaxError
        ? 'is not JSON'
        : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    return { providers: {}, faults: [`${where} ${reason}`] };
  }
  const { data, error } = file.safeParse(content);
  if (!data) {
    const faults = error.issues.map((issue) => {
      const { message } = issue.code === 'invalid_key' ? issue.issues[0]! : issue;
      return `${where}: ${[...issue.path, message].join(' ')}`;
    });
    return { providers: {}, faults };
  }
  const entries = Object.entries(data).map(
    ([name, provider]) => [name, appProvider(name, provider)] as const,
  );
  return {
    providers: Object.fromEntries(entries),
    faults: entries.length === 0 ? [`${where} names no provider`] : [],
  };
}

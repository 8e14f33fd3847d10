import { readFileSync } from 'node:fs';
import type { ProviderOptions } from '@tokenward/nestjs';
import { z } from 'zod';
import { isPlainPath } from '../common/plain-path.js';
import { apiLimits } from './api-limits.js';

const call = /^(GET|HEAD|POST|PUT|PATCH|DELETE) (\/[^\s*]*?)(?:(?<=\/)\*)?$/;

/** One that could be meant: the paths of calls are compared as they are written, and only plain ones pass. */
const isCall = (text: string): boolean => isPlainPath(call.exec(text)?.[2] ?? '');

/** The paths of calls are put behind it. What is no address at all has been told so already. */
function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { pathname, search, hash, username, password } = new URL(text);
  return isPlainPath(pathname) && [search, hash, username, password].every((part) => part === '');
}

/** The API that is called with a provider's tokens, and the only calls that are passed on to it. */
const listedApi = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://api.example.com' })
    .refine(isBaseUrl, 'must end with its path, as in https://api.example.com/v1'),
  calls: z.array(z.string().refine(isCall, 'must be like "GET /me"; a path may end in "/*"')),
  limits: apiLimits.optional(),
});

export type ProviderApi = z.infer<typeof listedApi>;

/** What the app itself wants to know of a provider. The rest is the library's, which validates it when it starts. */
const entry = z.looseObject({
  label: z.string().optional(),
  note: z.string().optional(),
  api: listedApi.optional(),
});

const file = z.record(
  z.string().regex(/^[a-z\d_-]{1,64}$/, 'must be a name of 1 to 64 of a-z 0-9 _ -'),
  entry,
);

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

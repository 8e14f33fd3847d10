import { z } from 'zod';
import { databaseUrl } from './database-url.js';

const port = z.coerce.number('must be a port number from 0 to 65535').int().min(0).max(65_535);
const proxy = '(loopback|linklocal|uniquelocal|[\\da-f.:]+(/\\d{1,3})?)';
const proxies = new RegExp(`^${proxy}(, *${proxy})*$`, 'i');
const logLevels = ['error', 'warn', 'log', 'debug', 'verbose'] as const;
const shortestAdminPassword = 16;
const keyrings = 'TOKEN_KEYRING or TOKEN_KEYRING_FILE';

/** Every variable that the app knows. What is left out of production on purpose has no default there. */
const variables = z.object({
  NODE_ENV: z.string().default('development'),
  HOST: z.string().optional(),
  PORT: port.default(3000),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://app.example.com' })
    .transform((url) => new URL(url).origin)
    .optional(),
  TRUST_PROXY: z
    .string()
    .regex(proxies, 'must list addresses or networks, such as loopback or 10.0.0.0/8,192.0.2.7')
    .optional(),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).optional(),
  DATA_DIRECTORY: z.string().default('data'),
  DATABASE_URL: databaseUrl.optional(),
  TOKEN_KEYRING: z.string().optional(),
  TOKEN_KEYRING_FILE: z.string().optional(),
  PROVIDERS_FILE: z.string().optional(),
  SPOOL_DIRECTORY: z.string().optional(),
  ADMIN_PASSWORD: z.string().optional(),
  LOCAL_PROVIDER_PORT: port.default(3001),
  LOCAL_API_PORT: port.default(3002),
  LOCAL_ACCESS_TOKEN_SECONDS: z.coerce
    .number('must be a number of seconds from 4 to 86400')
    .int()
    .min(4)
    .max(86_400)
    .default(30),
});

export type Environment = z.infer<typeof variables>;

const needed = {
  PUBLIC_URL: 'the address that browsers use',
  DATABASE_URL: 'the database',
  PROVIDERS_FILE: 'the providers',
  TRUST_PROXY: 'the addresses of the proxy that ends TLS, such as loopback or 10.0.0.0/8',
};

function productionFaults(environment: Environment, faulty: ReadonlySet<PropertyKey>): string[] {
  const missing = (name: string): boolean =>
    environment[name as keyof Environment] === undefined && !faulty.has(name);
  const faults = Object.entries(needed)
    .filter(([name]) => missing(name))
    .map(([name, what]) => `${name} is missing: in production nothing stands in for ${what}`);
  if (environment.PUBLIC_URL?.startsWith('http:')) {
    faults.push('PUBLIC_URL must begin with https: in production, or the session could be read on its way');
  }
  if (missing('TOKEN_KEYRING') && missing('TOKEN_KEYRING_FILE')) {
    faults.push(`${keyrings} is missing: in production no keyring is created for you`);
  }
  if (environment.ADMIN_PASSWORD !== undefined && environment.ADMIN_PASSWORD.length < shortestAdminPassword) {
    faults.push(`ADMIN_PASSWORD must have at least ${shortestAdminPassword} characters in production`);
  }
  return faults;
}

/**
 * The only place that reads the process environment. An empty variable counts as one that is not set. What is faulty
 * is left out of the result, so that the rest can be checked, too.
 */
export function readEnvironment(source: NodeJS.ProcessEnv = process.env): {
  environment: Environment;
  faults: string[];
} {
  const set = Object.entries(source).filter(([, value]) => value !== '');
  const issues = variables.safeParse(Object.fromEntries(set)).error?.issues ?? [];
  const faulty = new Set(issues.map(({ path }) => path[0]!));
  const environment = variables.parse(Object.fromEntries(set.filter(([name]) => !faulty.has(name))));
  const faults = issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  if (environment.NODE_ENV === 'production') faults.push(...productionFaults(environment, faulty));
  if (environment.TOKEN_KEYRING && environment.TOKEN_KEYRING_FILE) {
    faults.push(`${keyrings}: set one of the two, not both`);
  }
  return { environment, faults };
}

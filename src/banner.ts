import type { Config } from './config/config.js';
import type { AppProviders } from './config/providers-file.js';

const row = (name: string, value: string): string => `    ${name.padEnd(15)}${value}`;

/** What the user needs to know once everything runs. `url` is where to look. */
export function banner(config: Config, providers: AppProviders, url: string): string {
  const lines = ['', '  Tokenward is ready.', '', row('Open', url)];
  const local = config.providers === null ? providers['local'] : undefined;
  if (local) {
    lines.push(row('Log in with', 'any name and any password'));
    lines.push(row('Provider', `${local.options.issuer} (runs beside the app, in memory)`));
    lines.push(row('Protected API', `${local.api?.baseUrl}`));
    lines.push(row('To connect', `${providers['second']!.options.issuer} (a second provider with an API)`));
  }
  lines.push(row('Database', `${config.databaseName} (${config.database.type})`));
  if (config.admin) {
    const password = config.admin.file === null ? 'that of ADMIN_PASSWORD' : config.admin.password;
    lines.push(row('Operator', new URL('admin', url).href), row('', `user admin, password ${password}`));
  }
  if (config.keyring.created !== null) {
    lines.push(
      '',
      `  ! A keyring was created in ${config.keyring.created}. Without it, the stored tokens cannot be read.`,
    );
    lines.push(
      '    It is for trying things out: in production bring your own with TOKEN_KEYRING or TOKEN_KEYRING_FILE.',
    );
  }
  return [...lines, '', '  Press Ctrl-C to stop.', ''].join('\n');
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** The built app as a process of its own, and everything it says. */
export class ReferenceApp {
  output = '';
  errors = '';
  private readonly process: ChildProcess;
  private readonly gone: Promise<unknown[]>;

  private constructor(
    readonly dataDirectory: string,
    environment: Record<string, string>,
  ) {
    const { PATH = '' } = process.env;
    const ports = { PORT: '0', LOCAL_PROVIDER_PORT: '0', LOCAL_API_PORT: '0' };
    this.process = spawn(process.execPath, ['dist/bundle/main.js'], {
      cwd: root,
      env: { PATH, DATA_DIRECTORY: dataDirectory, ...ports, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, as a terminal makes one: Ctrl-C there reaches the app and the provider beside it.
      detached: true,
    });
    this.process.stdout!.on('data', (chunk) => (this.output += String(chunk)));
    this.process.stderr!.on('data', (chunk) => (this.errors += String(chunk)));
    this.gone = once(this.process, 'close');
  }

  /** Starts the app with an empty data directory of its own, or with one that another run has left. */
  static async launch(
    environment: Record<string, string> = {},
    dataDirectory?: string,
  ): Promise<ReferenceApp> {
    return new ReferenceApp(dataDirectory ?? (await mkdtemp(join(tmpdir(), 'tokenward-app-'))), environment);
  }

  static async start(
    environment: Record<string, string> = {},
    dataDirectory?: string,
  ): Promise<ReferenceApp> {
    const app = await ReferenceApp.launch(environment, dataDirectory);
    await app.ready();
    return app;
  }

  async ready(): Promise<void> {
    const said = new Promise<void>((resolve) => {
      this.process.stdout!.on(
        'data',
        () => /Press Ctrl-C to stop|listens on port/.test(this.output) && resolve(),
      );
    });
    const ended = this.gone.then(() => {
      throw new Error(`The app did not start: ${this.output}${this.errors}`);
    });
    await Promise.race([said, ended]);
  }

  get url(): string {
    const port = /listens on port (\d+)/.exec(this.output)?.[1];
    return port === undefined ? this.fromBanner('Open') : `http://localhost:${port}`;
  }

  get provider(): string {
    return this.fromBanner('Provider');
  }

  get api(): string {
    return this.fromBanner('Protected API');
  }

  get adminPassword(): string {
    const password = /user admin, password (\S+)/.exec(this.output)?.[1];
    if (password === undefined) throw new Error(`The app has not said its admin password: ${this.output}`);
    return password;
  }

  get pid(): number {
    return this.process.pid!;
  }

  get database(): string {
    return join(this.dataDirectory, 'tokenward.sqlite');
  }

  /** How the process ends: by itself, or asked to as by Ctrl-C in a terminal. */
  async exit(signal?: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<unknown> {
    if (signal === 'SIGINT') process.kill(-this.process.pid!, signal);
    else if (signal) this.process.kill(signal);
    const [code, endedBy] = await this.gone;
    return endedBy ?? code;
  }

  async remove(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.exit('SIGTERM');
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  private fromBanner(name: string): string {
    const address = new RegExp(`${name} +(http\\S+?)/?(\\s|$)`).exec(this.output)?.[1];
    if (address === undefined) throw new Error(`The app has not said its address (${name}): ${this.output}`);
    return address;
  }
}

/** The settings that production needs, with what a run of the app with a providers file has left. */
export const inProduction = (
  app: ReferenceApp,
  databaseUrl = `sqlite:${app.database}`,
): Record<string, string> => ({
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://app.example.com',
  DATABASE_URL: databaseUrl,
  PROVIDERS_FILE: join(app.dataDirectory, 'providers.json'),
  TOKEN_KEYRING_FILE: join(app.dataDirectory, 'keyring'),
  TRUST_PROXY: 'loopback',
  HOST: 'localhost',
});

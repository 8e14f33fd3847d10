import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startProvidedApp } from '../support/provided-app.js';
import { inProduction, ReferenceApp } from '../support/reference-app.js';

describe('starting the reference app', () => {
  const apps: ReferenceApp[] = [];
  afterEach(async () => void (await Promise.all(apps.splice(0).map((app) => app.remove()))));

  const launch = async (environment: Record<string, string>, directory?: string): Promise<ReferenceApp> => {
    const app = await ReferenceApp.launch(environment, directory);
    apps.push(app);
    return app;
  };

  it('tells every fault of the configuration at once, and that is all it tells', async () => {
    const app = await launch({ NODE_ENV: 'production', PUBLIC_URL: 'http://app.example.com' });
    expect(await app.exit()).toBe(1);
    expect(app.errors.split('\n').map((line) => line.slice(0, 24).trim())).toEqual([
      'Tokenward cannot start:',
      '- DATABASE_URL is miss',
      '- PROVIDERS_FILE is mi',
      '- TRUST_PROXY is missi',
      '- PUBLIC_URL must begi',
      '- TOKEN_KEYRING or TOK',
      '',
    ]);
    expect(app.output).toBe('');
  });

  it.each(['PORT', 'LOCAL_PROVIDER_PORT', 'LOCAL_API_PORT'])(
    'says so when the port of %s is in use',
    async (variable) => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
      const { port } = server.address() as AddressInfo;
      const app = await launch({ [variable]: String(port) });
      expect(await app.exit()).toBe(1);
      expect(app.errors).toMatch(new RegExp(`port ${port} is in use; set ${variable} `));
      expect(app.errors).not.toMatch(/\n +at /);
      server.close();
    },
  );

  it('says so when the keyring is malformed, without repeating it', async () => {
    const app = await launch({ TOKEN_KEYRING: '1:not-a-key' });
    expect(await app.exit()).toBe(1);
    expect(app.errors).toMatch(/^Tokenward cannot start:\n {2}- .*keyring/);
    expect(app.errors).not.toContain('not-a-key');
  });

  it('needs its tables in production, and says which command makes them', async () => {
    const { app, stop } = await startProvidedApp();
    apps.push(app);
    const production = await launch(inProduction(app, 'sqlite:' + join(app.dataDirectory, 'empty.sqlite')));
    expect(await production.exit()).toBe(1);
    expect(production.errors).toMatch(/migration/);
    expect(production.errors).not.toMatch(/\n +at /);
    await stop();
  });

  it('keeps sessions to encrypted connections in production', async () => {
    const { app, stop } = await startProvidedApp();
    expect(await app.exit('SIGTERM')).toBe(0);
    const production = await launch(inProduction(app));
    await production.ready();
    const login = await fetch(`${production.url}/auth/login/test`, {
      redirect: 'manual',
      headers: { 'x-forwarded-proto': 'https' },
    });
    expect(login.headers.getSetCookie()[0]).toMatch(
      /^__Host-tokenward-login=.*; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(login.headers.get('strict-transport-security')).toBe('max-age=31536000');
    const redirectUri = new URL(login.headers.get('location')!).searchParams.get('redirect_uri');
    expect(redirectUri).toBe('https://app.example.com/auth/callback/test');
    expect(await production.exit('SIGTERM')).toBe(0);
    await stop();
  });

  it('creates a keyring at the first start, says so once, and keeps it', async () => {
    const first = await ReferenceApp.start();
    expect(first.output).toContain('A keyring was created in');
    expect(await first.exit('SIGTERM')).toBe(0);
    const second = await ReferenceApp.start({}, first.dataDirectory);
    apps.push(second);
    expect(second.output).not.toContain('A keyring was created in');
    expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
  });

  it('can be stopped before it is ready', async () => {
    const app = await launch({});
    await expect.poll(() => existsSync(join(app.dataDirectory, 'keyring'))).toBe(true);
    expect(await app.exit('SIGINT')).toBe(0);
    expect(app.errors).toBe('');
  });

  it('leaves no provider behind, not even when it is killed', async () => {
    const app = await ReferenceApp.start();
    apps.push(app);
    expect((await fetch(`${app.provider}/.well-known/openid-configuration`)).status).toBe(200);
    expect(await app.exit('SIGKILL')).toBe('SIGKILL');
    const isGone = (): Promise<boolean> =>
      fetch(app.provider).then(
        () => false,
        () => true,
      );
    await expect.poll(isGone).toBe(true);
  });

  it('answers probes and shows metrics', async () => {
    const app = await ReferenceApp.start();
    apps.push(app);
    const answers = await Promise.all(
      ['/health/live', '/health/ready', '/metrics'].map((path) => fetch(app.url + path)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await answers[2]!.text()).toContain('tokenward_');
  });
});

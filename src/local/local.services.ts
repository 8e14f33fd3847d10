import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.js';
import { ConfigurationError } from '../config/configuration.error.js';
import type { AppProviders } from '../config/providers-file.js';
import type { LocalAddresses, LocalChildMessage, LocalChildSetup, LocalOutage } from './local.messages.js';
import { localProvider, localSetup } from './local.providers.js';

/** The providers and their protected APIs that come along when none are configured: one process beside the app. */
export class LocalServices {
  private readonly setup: LocalChildSetup;
  private readonly child: ChildProcess;
  private stopping = false;
  /** Resolves to how the app reaches them, once they answer. */
  readonly providers: Promise<AppProviders>;

  constructor(options: Config['local']) {
    this.setup = localSetup(options);
    this.child = fork(fileURLToPath(new URL('child.js', import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    // Both load at the same time; on a small machine the app itself goes first.
    if (this.child.pid !== undefined) setPriority(this.child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    this.providers = this.start();
    // Whoever awaits it learns of a failure; nobody does when the app is stopped while it starts.
    this.providers.catch(() => undefined);
  }

  async close(): Promise<void> {
    this.stopping = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    if (this.child.connected) this.child.disconnect();
    await gone;
  }

  private async start(): Promise<AppProviders> {
    const gone = once(this.child, 'exit').then((): LocalChildMessage => ({
      type: 'failed',
      reason: 'its process ended',
    }));
    const answered = once(this.child, 'message').then(([message]) => message as LocalChildMessage);
    this.child.send(this.setup);
    const message = await Promise.race([answered, gone]);
    if (message.type === 'failed')
      throw new ConfigurationError([`The local provider did not start: ${message.reason}`]);
    this.child.once('exit', (code) => {
      if (!this.stopping && code !== 0)
        console.error('The local provider has stopped. Start the app again to bring it back.');
    });
    return this.toProviders(message.addresses);
  }

  /** Lets a provider's token endpoint fail for so long; 0 ends it. */
  fail(outage: LocalOutage): void {
    this.child.send(outage);
  }

  private toProviders(addresses: Record<string, LocalAddresses>): AppProviders {
    return Object.fromEntries(
      Object.entries(this.setup).map(([name, { provider }]) => [
        name,
        localProvider(name, provider, addresses[name]!),
      ]),
    );
  }
}

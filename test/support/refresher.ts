import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SpoolOutcome, TokenRef } from '@tokenward/nestjs';
import type { Orders } from './refresher.process.js';

type Message = 'ready' | { spooled: SpoolOutcome } | { id: number; outcome: string };

/** A replica in a process of its own, seen from here. */
export class Refresher {
  /** What has become of answers that the database did not take at once, in order. */
  readonly spooled: SpoolOutcome[] = [];
  readonly #waiting = new Map<number, (outcome: string) => void>();
  readonly #gone: Promise<unknown[]>;
  #calls = 0;

  private constructor(private readonly process: ChildProcess) {
    this.#gone = once(process, 'exit');
    process.on('message', (message: Message) => this.#take(message));
  }

  static async start(orders: Orders): Promise<Refresher> {
    const file = fileURLToPath(new URL('./refresher.process.ts', import.meta.url));
    const child = fork(file, {
      execArgv: ['--conditions=@tokenward/source', '--import', '@oxc-node/core/register'],
    });
    const refresher = new Refresher(child);
    child.send(orders);
    const ready = once(child, 'message');
    await Promise.race([ready, refresher.#gone]);
    if (child.exitCode !== null) throw new Error('the replica has not started, see its output');
    return refresher;
  }

  /** `refreshed`, or the message of the error; never, where the process ends before. */
  refresh(ref: TokenRef): Promise<string> {
    const id = this.#calls++;
    this.process.send({ id, ref });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** The signal with which the process has ended, or its exit code. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<unknown> {
    this.process.kill(signal);
    const [code, endedBy] = await this.#gone;
    return endedBy ?? code;
  }

  #take(message: Message): void {
    if (message === 'ready') return;
    if ('spooled' in message) this.spooled.push(message.spooled);
    else this.#waiting.get(message.id)!(message.outcome);
  }
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { TokenEvent } from '@tokenward/nestjs';
import type { Methods, Orders } from './replica.process.js';

/** The process was killed before it has answered: whether it had done its work is unknown. */
export class KilledError extends Error {}

/** The library's answer, as it came out of the other process. */
export class RemoteError extends Error {
  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(`${code ?? 'error'}: ${message}`);
  }
}

/** What a replica's process can be asked for. */
type Remote = Record<string, (...args: never[]) => Promise<unknown>>;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Message<Event> {
  ready?: true;
  event?: Event;
  id?: number;
  value?: unknown;
  fault?: { message: string; code?: string };
}

/** A replica in a process of its own, seen from here. */
export class Member<Api extends Remote = Methods, Begin extends object = Orders, Event = TokenEvent> {
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private readonly gone: Promise<unknown>;
  private calls = 0;
  private killed = false;
  private reportReady!: () => void;
  private reportEvent: (event: Event) => void = () => undefined;

  /** Loads the code; `begin` makes it a replica. Without the compiler that this process has: a bundle needs none. */
  constructor(file: string, execArgv: string[] = []) {
    this.process = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv });
    this.process.on('message', (message: Message<Event>) => this.take(message));
    // After the last message that it has sent.
    this.gone = once(this.process, 'disconnect').then(() => this.giveUp());
  }

  async begin(orders: Begin, onEvent: (event: Event) => void): Promise<this> {
    this.reportEvent = onEvent;
    const ready = new Promise<void>((resolve) => {
      this.reportReady = resolve;
    });
    this.process.send(orders);
    await Promise.race([ready, this.gone]);
    if (!this.process.connected) throw new Error('a replica has ended before it was ready, see its output');
    return this;
  }

  /** @throws RemoteError | KilledError */
  async call<Name extends keyof Api & string>(
    method: Name,
    ...args: Parameters<Api[Name]>
  ): Promise<Awaited<ReturnType<Api[Name]>>> {
    return (await this.ask(method, args)) as Awaited<ReturnType<Api[Name]>>;
  }

  private ask(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.process.connected) {
        reject(this.end());
        return;
      }
      const id = this.calls++;
      this.waiting.set(id, { resolve, reject });
      // Where it has just died, `disconnect` follows.
      this.process.send({ id, method, args }, () => undefined);
    });
  }

  /** It does nothing until `resume`, and does not know. */
  stop(): void {
    this.process.kill('SIGSTOP');
  }

  resume(): void {
    this.process.kill('SIGCONT');
  }

  /** As the kernel does it: nothing is finished, nobody is told. */
  async kill(): Promise<void> {
    this.killed = true;
    this.process.kill('SIGKILL');
    await this.gone;
  }

  /** Resolves when the process has ended by itself, and not in peace. */
  async died(): Promise<void> {
    this.killed = true;
    await this.ended();
    if (this.process.signalCode !== 'SIGKILL') throw new Error('the replica has not died');
  }

  async leave(): Promise<void> {
    if (!this.process.connected) return;
    await this.ask('close', []);
    await this.gone;
  }

  /** Before it was a replica. */
  async dismiss(): Promise<void> {
    this.process.disconnect();
    await this.gone;
  }

  /** Whether the process has not ended. */
  get isAlive(): boolean {
    return this.process.connected;
  }

  /** SIGTERM: it is asked to end by itself. Resolves when it has. */
  async terminate(): Promise<void> {
    this.process.kill('SIGTERM');
    await this.ended();
  }

  private async ended(): Promise<void> {
    await this.gone;
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
  }

  private take({ ready, event, id, value, fault }: Message<Event>): void {
    if (ready) this.reportReady();
    else if (event) this.reportEvent(event);
    else {
      const call = this.waiting.get(id!)!;
      this.waiting.delete(id!);
      if (fault) call.reject(new RemoteError(fault.message, fault.code));
      else call.resolve(value);
    }
  }

  private giveUp(): void {
    for (const call of this.waiting.values()) call.reject(this.end());
    this.waiting.clear();
  }

  private end(): Error {
    return this.killed
      ? new KilledError('the replica was killed')
      : new Error('the replica has ended by itself');
  }
}

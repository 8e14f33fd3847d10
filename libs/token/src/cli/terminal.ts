import { createInterface } from 'node:readline';
import { EXIT, type ExitCode, interruption } from './exit-code.js';
import { messageOf } from './failure.js';

type Input = NodeJS.ReadableStream & { isTTY?: boolean };
export type Output = NodeJS.WritableStream & { isTTY?: boolean };

/** Where a command reads and writes: results on stdout, everything that accompanies them on stderr. */
export class Terminal {
  /** What a command that ends well ends with. */
  exitCode: ExitCode = EXIT.ok;
  /** Something could not be written, as on a disk that is full. */
  incomplete = false;
  readonly #unread = new AbortController();

  constructor(
    private readonly input: Input = process.stdin,
    private readonly results: Output = process.stdout,
    readonly notes: Output = process.stderr,
  ) {
    for (const output of [results, notes])
      output.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') this.#lose(error);
        else if (output === results) this.#unread.abort();
      });
  }

  /** Nobody reads the results any more: `tokenward … | head` has read enough. What changes something goes on to its end. */
  get unread(): AbortSignal {
    return this.#unread.signal;
  }

  /** Somebody can be asked, and sees the question. */
  get interactive(): boolean {
    return this.input.isTTY === true && this.notes.isTTY === true;
  }

  /** The results are read by a person. */
  get showsResults(): boolean {
    return this.results.isTTY === true;
  }

  print(text: string): void {
    this.results.write(`${text}\n`);
  }

  note(text: string): void {
    this.notes.write(`${text}\n`);
  }

  clear(): void {
    if (this.showsResults) this.results.write('\u001B[2J\u001B[H');
  }

  /** Told once: what fails may be the note itself. */
  #lose(error: Error): void {
    if (this.incomplete) return;
    this.incomplete = true;
    this.note(`Not all that this command says could be written: ${messageOf(error)}`);
  }

  /** The line that is typed, trimmed; empty for Ctrl-D. @throws CommandError for Ctrl-C */
  async ask(question: string): Promise<string> {
    const lines = createInterface({ input: this.input, output: this.notes, terminal: this.interactive });
    try {
      return await new Promise((resolve, reject) => {
        lines.once('SIGINT', () => {
          this.note('');
          reject(interruption('Stopped. Nothing was changed.'));
        });
        lines.once('close', () => resolve(''));
        lines.question(question, (answer) => resolve(answer.trim()));
      });
    } finally {
      lines.close();
    }
  }
}

import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestDatabase } from './database.js';

const root = join(import.meta.dirname, '..', '..');
/** The built CLI, as a user runs it. */
const main = join(root, 'libs/token/dist/cli/main.js');

/** What is typed at a question, or what happens before that is typed. */
type Answer = string | (() => Promise<string>);

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A working directory as an operator has one: a configuration, a keyring file, the packages. */
export class CliDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'tokenward-cli-'));
  readonly keyring = join(this.path, 'keyring');

  constructor() {
    symlinkSync(join(root, 'node_modules'), join(this.path, 'node_modules'));
  }

  write(name: string, text: string, mode = 0o600): string {
    const file = join(this.path, name);
    writeFileSync(file, text, { mode });
    return file;
  }

  /** The configuration for this database and the keyring file. */
  configure(database: TestDatabase['options'], encryption = "{ keyring: { file: 'keyring' } }"): void {
    this.write(
      'tokenward.config.mjs',
      `import { tokenEntities } from '@tokenward/nestjs';
       import { DataSource } from 'typeorm';
       export default {
         dataSource: new DataSource({ ...${JSON.stringify(database)}, entities: [...tokenEntities] }),
         encryption: ${encryption},
       };`,
    );
  }

  /** Runs the CLI where nobody can answer. */
  async run(...args: string[]): Promise<Outcome> {
    return outcome(this.start(...args));
  }

  start(...args: string[]): ChildProcess {
    return this.startWith(['ignore', 'pipe', 'pipe'], ...args);
  }

  startWith(stdio: StdioOptions, ...args: string[]): ChildProcess {
    return spawn(process.execPath, [main, ...args], { cwd: this.path, stdio });
  }

  /** Runs the CLI in a terminal, where every question gets the next of the answers. What the terminal shows at the end. */
  async runInTerminal(args: readonly string[], answers: readonly Answer[]): Promise<Outcome> {
    const child = spawn('script', scriptArguments([process.execPath, main, ...args]), {
      cwd: this.path,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const left = [...answers];
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (!/(?:\[y\/N\]|to go on:) $/.test(shown(seen))) return;
      seen = '';
      void typed(left.shift()).then((text) => child.stdin.write(text));
    });
    const { code, stdout, stderr } = await outcome(child);
    child.stdin.destroy();
    return { code, stdout: shown(stdout), stderr };
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

const CTRL_D = '\u0004';

const typed = async (answer: Answer | undefined): Promise<string> =>
  answer === undefined ? CTRL_D : `${typeof answer === 'string' ? answer : await answer()}\r`;

export async function outcome(child: ChildProcess): Promise<Outcome> {
  const result: Outcome = { code: -1, stdout: '', stderr: '' };
  child.stdout!.on('data', (chunk: Buffer) => (result.stdout += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => (result.stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...result, code: code ?? -1 };
}

/** `script` gives a command a terminal; it comes with util-linux and with the BSDs, each with its own arguments. */
function scriptArguments(command: readonly string[]): string[] {
  if (process.platform === 'darwin') return ['-q', '/dev/null', ...command];
  const quoted = command.map((part) => `'${part.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  return ['--quiet', '--return', '--flush', '--command', quoted, '/dev/null'];
}

/** What stands on the screen in the end: later writes to a line replace earlier ones. */
function shown(raw: string): string {
  return (
    raw
      .replaceAll('\r\n', '\n')
      // eslint-disable-next-line no-control-regex
      .replaceAll(/\u001B\[[01]?G/g, '\r')
      // eslint-disable-next-line no-control-regex
      .replaceAll(/\u001B(?:\[[?\d;]*[A-Za-z]|[78])/g, '')
      .split('\n')
      .map((line) => line.split('\r').findLast((part) => part !== '') ?? '')
      .join('\n')
  );
}

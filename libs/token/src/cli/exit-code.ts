/** How `tokenward` ends; scripts and monitoring rely on these numbers. */
export const EXIT = {
  ok: 0,
  /** Refused by a rule or by the person at the terminal, or failed on the way. */
  refused: 1,
  /** The command line, the configuration or the keyring is wrong: nothing was begun. */
  usage: 2,
  /** What the command has found needs somebody: rows or keys that cannot be opened, rows that an import leaves out. */
  attention: 3,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with this message, which must make sense without a stack. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

export const usageError = (message: string, cause?: unknown): CommandError =>
  new CommandError(message, EXIT.usage, { cause });

export const refusal = (message: string): CommandError => new CommandError(message, EXIT.refused);

export const interruption = (message: string): CommandError => new CommandError(message, EXIT.interrupted);

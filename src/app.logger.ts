import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { Config } from './config/config.js';

const levels: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];

/** Nest's logger; for machines in production. */
export class AppLogger extends ConsoleLogger {
  private readonly explainedElsewhere: unknown[];

  constructor({ logLevel, production }: Config) {
    super({ logLevels: levels.slice(0, levels.indexOf(logLevel) + 1), json: production });
    // In production a database that is away is tried again, and each attempt is worth a line.
    this.explainedElsewhere = production ? ['ExceptionHandler'] : ['ExceptionHandler', 'TypeOrmModule'];
  }

  /** What keeps the app from starting is explained by whoever starts it, once and without its stack. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (!this.explainedElsewhere.includes(rest.at(-1))) super.error(message, ...rest);
  }
}

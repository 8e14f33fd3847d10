import { CommanderError } from 'commander';
import { TokenConfigurationError, TokenError } from '../common/errors.js';
import { CommandError, EXIT, type ExitCode } from './exit-code.js';

/** What a person is told about a command that has failed. Never a stack, never a password of an address. */
export function explain(error: unknown): { message: string; exitCode: ExitCode } {
  // Commander has written its own words by now.
  if (error instanceof CommanderError)
    return { message: '', exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage };
  if (error instanceof CommandError) return { message: safe(error.message), exitCode: error.exitCode };
  if (error instanceof TokenError)
    return {
      message: `${error.code}: ${safe(error.message)}`,
      exitCode: error instanceof TokenConfigurationError ? EXIT.usage : EXIT.refused,
    };
  return { message: safe(messageOf(error)), exitCode: EXIT.refused };
}

/** The stacks of an error and its causes. An inspected error of a driver would show the values of its statement. */
export function stacks(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const cause = error.cause === undefined ? '' : `\ncaused by ${stacks(error.cause)}`;
  return safe(`${error.stack ?? error.message}${cause}`);
}

/** `ECONNREFUSED 127.0.0.1:5432` where a system call has failed, otherwise the first line of the message. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something failed that names no reason';
  // A host with several addresses was tried at each of them.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const message = error.message || (first === undefined ? '' : messageOf(first));
  return message.split('\n')[0] || error.name;
}

const safe = (text: string): string => text.replaceAll(/:\/\/[^\s/@]*@/g, '://…@');

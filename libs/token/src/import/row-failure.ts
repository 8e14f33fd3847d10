import { TokenError } from '../common/errors.js';

/** Why a row was not imported: a stable reason and a sentence, neither of which holds a value of the row. */
export interface RowFault {
  reason: string;
  detail: string;
}

/** Errors of this library are written without values. Of any other error only its name and the place in the code are told. */
export function rowFault(error: unknown, reason: string): RowFault {
  if (error instanceof TokenError) return { reason: error.code, detail: error.message };
  const name = error instanceof Error ? /^\w{1,64}$/.exec(error.name)?.[0] : typeof error;
  const hints = [codeOf(error), placeOf(error)].filter((hint) => hint !== null);
  return { reason, detail: [name ?? 'Error', ...hints].join(' ') };
}

/** A driver's code, such as `23505`. */
export function codeOf(error: unknown): string | null {
  const { code, driverError } = (error ?? {}) as { code?: unknown; driverError?: { code?: unknown } };
  const isCode = (value: unknown): value is string =>
    typeof value === 'string' && /^[A-Z0-9_]{1,64}$/i.test(value);
  return [driverError?.code, code].find(isCode) ?? null;
}

/** `at tokenward.import.js:23`: the innermost frame. The message, which may quote a value, stands before the frames. */
function placeOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.stack === undefined) return null;
  const begin = error.stack.indexOf(error.message);
  const frames = begin < 0 ? '' : error.stack.slice(begin + error.message.length);
  const place = /^\s+at .*?([\w.-]+:\d+):\d+\)?$/m.exec(frames)?.[1];
  return place === undefined ? null : `at ${place}`;
}

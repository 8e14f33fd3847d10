interface Fault extends Error {
  code?: string;
  syscall?: string;
  port?: number;
  /** Of this app's configuration, and of the library's. */
  faults?: readonly string[];
  problems?: readonly string[];
}

/** Why the app does not start, in words that its user can act on. Only what nobody foresaw is told with its stack. */
export function explain(error: unknown): string {
  const { message, stack, code, syscall, port, faults, problems } = error as Fault;
  const list = faults ?? problems;
  if (list) return ['Tokenward cannot start:', ...list.map((fault) => `  - ${fault}`)].join('\n');
  if (syscall === 'listen') return listenFault(code, port);
  if (syscall === 'mkdir' || syscall === 'open') return `Tokenward cannot start: ${message}`;
  // Nothing else is connected to while the app starts.
  if (code !== undefined) return `Tokenward cannot start: the database cannot be used (${message || code})`;
  return stack ?? String(error);
}

function listenFault(code: string | undefined, port: number | undefined): string {
  const reason = code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${code})`;
  return `Tokenward cannot start: port ${port} ${reason}; set PORT to another one, or to 0 for any free one`;
}

import type { Listener } from './listener.js';

const HEADER_BYTES = 5;

/** The frontend's messages (PostgreSQL protocol 3.0, "Message Formats"): type, length without the type, fields. */
export function postgresStatements(executed: (text: string) => void): Listener {
  const prepared = new Map<string, string>();
  let rest = Buffer.alloc(0);
  let greeted = false;
  const read = (type: string, body: Buffer): void => {
    const [first = '', second = ''] = body.toString('latin1').split('\0');
    if (type === 'Q') executed(first);
    else if (type === 'P') prepared.set(first, second);
    // A portal is bound to be executed once.
    else if (type === 'B') executed(prepared.get(second) ?? '');
  };
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    // The first message has no type.
    if (!greeted && rest.length >= 4 && rest.length >= rest.readInt32BE(0)) {
      rest = rest.subarray(rest.readInt32BE(0));
      greeted = true;
    }
    if (!greeted) return;
    while (rest.length >= HEADER_BYTES && rest.length > rest.readInt32BE(1)) {
      const end = 1 + rest.readInt32BE(1);
      read(String.fromCharCode(rest[0]!), rest.subarray(HEADER_BYTES, end));
      rest = rest.subarray(end);
    }
  };
}

import type { Listener } from './listener.js';

const HEADER_BYTES = 4;
const COM_QUERY = 0x03;
const COM_STMT_EXECUTE = 0x17;

/** The client's packets (MariaDB client/server protocol, "0-packet" and "COM_QUERY"): length, number in its exchange, body. */
export function mysqlStatements(executed: (text: string) => void): Listener {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUIntLE(0, 3)) {
      const end = HEADER_BYTES + rest.readUIntLE(0, 3);
      // A command is the first packet of its exchange; those of the handshake are not.
      if (rest[3] === 0 && rest[HEADER_BYTES] === COM_QUERY)
        executed(rest.toString('utf8', HEADER_BYTES + 1, end));
      else if (rest[3] === 0 && rest[HEADER_BYTES] === COM_STMT_EXECUTE) executed('EXECUTE');
      rest = rest.subarray(end);
    }
  };
}

import { connect, createServer, type AddressInfo } from 'node:net';
import type { ServerKind } from '../../test/support/servers/server.js';
import { mysqlStatements } from './mysql-statements.js';
import { postgresStatements } from './postgres-statements.js';

export interface WireTap {
  port: number;
  /** Every statement since the last call, in the order in which they went to the database. */
  taken(): string[];
  close(): Promise<void>;
}

/** Stands between an application and its database, and listens: what it counts is what the database was asked. */
export async function tapWire(kind: ServerKind, target: { host: string; port: number }): Promise<WireTap> {
  let statements: string[] = [];
  const listenTo = kind === 'postgres' ? postgresStatements : mysqlStatements;
  const server = createServer((near) => {
    const listener = listenTo((text) => statements.push(text));
    const far = connect(target);
    near.on('data', listener).pipe(far).pipe(near);
    near.setNoDelay(true).on('error', () => far.destroy());
    far.setNoDelay(true).on('error', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    taken() {
      const taken = statements;
      statements = [];
      return taken;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

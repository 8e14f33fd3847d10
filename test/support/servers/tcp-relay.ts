import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { ServerAddress } from './server.js';

/** A way to a database server that can become a dead end. */
export interface TcpRelay {
  address: ServerAddress;
  /** From now on nothing passes on the connections that there are; nobody is told. New ones pass. */
  freeze(): void;
  /** Ends the frozen connections. */
  cut(): void;
  /** From now on it leads to another server; all connections end. */
  redirect(server: ServerAddress): void;
  stop(): Promise<void>;
}

export async function startTcpRelay(server: ServerAddress): Promise<TcpRelay> {
  let pairs: [Socket, Socket][] = [];
  let frozen: Socket[] = [];
  let target = server;
  const relay = createServer((near) => {
    const far = connect(target.port, target.host);
    pairs.push([near, far]);
    near.pipe(far);
    far.pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        // Of a frozen connection the other side hears nothing.
        if (!frozen.includes(one)) other.destroy();
      });
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const cut = (): void => {
    for (const socket of frozen) socket.destroy();
    frozen = [];
  };
  return {
    address: { ...server, host: '127.0.0.1', port: (relay.address() as AddressInfo).port },
    freeze() {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
        frozen.push(near, far);
      }
      pairs = [];
    },
    cut,
    redirect(other) {
      target = other;
      const all = pairs.flat();
      pairs = [];
      for (const socket of all) socket.destroy();
    },
    async stop() {
      cut();
      for (const socket of pairs.flat()) socket.destroy();
      relay.close();
      await once(relay, 'close');
    },
  };
}

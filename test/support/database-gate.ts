import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** The way to a database server, which can be cut for as long as a test likes. */
export class DatabaseGate {
  readonly #sockets = new Set<Socket>();
  #state: 'open' | 'cut' | 'silent' = 'open';

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {
    server.on('connection', (socket) => this.#join(socket));
  }

  static async before(target: { host: string; port: number }): Promise<DatabaseGate> {
    const server = createServer();
    const gate = new DatabaseGate(server, target);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return gate;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Every connection is closed, and every new one as well. */
  cut(): void {
    this.#state = 'cut';
    this.#drop();
  }

  /** Connections stay open and nothing comes through any more, as behind a firewall that forgets them. */
  silence(): void {
    this.#state = 'silent';
    for (const socket of this.#sockets) socket.pause();
  }

  /** The database is there again, for new connections. */
  mend(): void {
    this.#drop();
    this.#state = 'open';
  }

  async close(): Promise<void> {
    this.#drop();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #join(socket: Socket): void {
    this.#keep(socket);
    if (this.#state === 'cut') socket.destroy();
    if (this.#state !== 'open') return;
    const onward = connect(this.target);
    this.#keep(onward);
    socket.pipe(onward).pipe(socket);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  #drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

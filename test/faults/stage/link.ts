import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../support/servers/free-port.js';

/** The way to the database, which can be cut: connections break, and new ones are refused. */
export class Link {
  readonly #sockets = new Set<Socket>();
  #server: Server;

  private constructor(
    private readonly target: { host: string; port: number },
    /** One that is still free when this is mended after it was cut. */
    private readonly port: number,
  ) {
    this.#server = this.#serve();
  }

  static async to(target: { host: string; port: number }): Promise<Link> {
    const link = new Link(target, await freePort());
    await link.mend();
    return link;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port };
  }

  async mend(): Promise<void> {
    this.#server = this.#serve();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(): Server {
    return createServer((near) => {
      const far = connect(this.target);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.setNoDelay(true).pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }
}

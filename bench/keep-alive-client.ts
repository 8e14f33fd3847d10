import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Sends one and the same request over connections that stay open, with as little work as can be, so that the server is what is measured. */
export class KeepAliveClient {
  private readonly idle: Socket[] = [];
  private readonly request: string;

  constructor(
    private readonly address: URL,
    headers: Record<string, string> = {},
  ) {
    const lines = Object.entries({ host: address.host, ...headers }).map((header) => header.join(': '));
    this.request = `GET ${address.pathname} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
  }

  /** @throws Error if the answer is not 200, or of no known length */
  async get(): Promise<void> {
    const socket = this.idle.pop() ?? (await this.open());
    socket.write(this.request, 'latin1');
    await answer(socket);
    this.idle.push(socket);
  }

  close(): void {
    for (const socket of this.idle) socket.destroy();
  }

  private async open(): Promise<Socket> {
    const socket = connect(Number(this.address.port), this.address.hostname);
    await once(socket, 'connect');
    return socket.setNoDelay().setEncoding('latin1');
  }
}

async function answer(socket: Socket): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: string): void => {
      text += chunk;
      const head = text.indexOf('\r\n\r\n');
      if (head === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1]);
      const whole = text.startsWith('HTTP/1.1 200') && length <= text.length - head - 4;
      if (!whole && text.startsWith('HTTP/1.1 200') && !Number.isNaN(length)) return;
      socket.off('data', onData);
      if (whole) resolve();
      else reject(new Error(`the answer is ${text.slice(0, 500)}`));
    };
    socket.on('data', onData);
  });
}

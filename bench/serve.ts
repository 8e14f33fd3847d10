interface Call {
  id: number;
  method: string;
  args: unknown[];
}

type Methods = Record<string, (...args: never[]) => unknown>;

/** Makes this process what `Member` talks to: it begins with its orders, then answers calls. `close` is its last one. */
export function serve(begin: (orders: never) => Promise<Methods>): void {
  let methods: Methods = {};
  const start = async (orders: unknown): Promise<void> => {
    methods = await begin(orders as never);
    process.send!({ ready: true });
  };
  const answer = async ({ id, method, args }: Call): Promise<void> => {
    try {
      process.send!({ id, value: await (methods[method] as (...given: unknown[]) => unknown)(...args) });
    } catch (error) {
      process.send!({ id, fault: { message: (error as Error).message } });
    }
    if (method === 'close') process.disconnect();
  };
  process.on('message', (message: object | Call) => {
    if ('method' in message) void answer(message);
    else
      start(message).catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
  });
  // At the end, or because whoever has started this process is gone.
  process.once('disconnect', () => process.exit());
}

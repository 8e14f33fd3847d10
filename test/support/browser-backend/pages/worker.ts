// A dedicated worker: no window, no document.
import { createTokenClient, type TokenClientOptions } from '@tokenward/browser';

const scope = globalThis as unknown as {
  addEventListener(type: 'message', listener: (event: { data: TokenClientOptions }) => void): void;
  postMessage(message: string): void;
};
// oxlint-disable-next-line unicorn/require-post-message-target-origin
const say = (message: string): void => scope.postMessage(message);

scope.addEventListener('message', ({ data: options }) => {
  const client = createTokenClient(options);
  client.onSessionEnd(({ reason }) => say(`ended: ${reason}`));
  void client.getAccessToken().then(say);
});

import { KeyError } from '../keys/key-wrapper.js';

/**
 * What `work` returns, unless that takes longer than `seconds`: then the signal tells it to stop, and nobody waits for it.
 * @throws KeyError `KMS_TIMEOUT`
 */
export async function withinDeadline<T>(
  service: string,
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new KeyError('KMS_TIMEOUT', `${service} did not answer within ${seconds} s`));
      controller.abort();
    }, seconds * 1000);
  });
  try {
    return await Promise.race([work(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
  }
}

import { z } from 'zod';

const mebibyte = 1024 * 1024;
const seconds = z.number().int().min(1).max(3600);

/** How much of an API one call through this app may take, and for how long. Nothing of it is kept in memory. */
export const apiLimits = z.strictObject({
  /** Of one request body. */
  requestBytes: z
    .number()
    .int()
    .min(0)
    .default(100 * mebibyte),
  /** Of one answer, as it comes over the wire. */
  answerBytes: z
    .number()
    .int()
    .min(0)
    .default(100 * mebibyte),
  /** From the last byte of the request that has moved to the first of the answer. */
  firstByteSeconds: seconds.default(60),
  /** Between two chunks of an answer: the API sends nothing, or the browser takes nothing. */
  idleSeconds: seconds.default(60),
  /** Of one user, in all of their sessions with this replica. */
  callsAtOnce: z.number().int().min(1).max(10_000).default(64),
});

export type ApiLimits = z.infer<typeof apiLimits>;

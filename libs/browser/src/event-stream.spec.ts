import { describe, expect, it } from 'vitest';
import { hasEvent } from './event-stream.js';

const stream = (...chunks: string[]): ReadableStream<Uint8Array> =>
  new Blob(chunks).stream().pipeThrough(
    new TransformStream({
      transform(chunk: Uint8Array, controller) {
        for (const byte of chunk) controller.enqueue(Uint8Array.of(byte));
      },
    }),
  );

describe('the stream of events', () => {
  it.each([
    ['event: ended\n\n', true],
    ['event:ended\r\n\r\n', true],
    [': welcome\n\nevent: other\ndata: {}\n\nevent: ended\ndata: {}\n\n', true],
    ['data: event: ended\n\n', false],
    ['event: ended-not\n\n', false],
    ['event: other\n\n', false],
    ['', false],
  ])('%j has the event: %s', async (text, found) => {
    expect(await hasEvent(stream(text), 'ended', () => undefined)).toBe(found);
  });
});

/**
 * Reads `text/event-stream` (HTML Living Standard, section 9.2) until an event of this name, or until it ends.
 * `EventSource` would do it, but can send no header, does not tell a 401 from an outage, and reconnects for ever.
 */
export async function hasEvent(
  body: ReadableStream<Uint8Array>,
  name: string,
  onNews: () => void,
): Promise<boolean> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let line = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    onNews();
    const lines = (line + decoder.decode(value, { stream: true })).split(/\r\n|\r|\n/);
    line = lines.pop()!;
    if (!lines.some((text) => /^event: ?(.*)$/.exec(text)?.[1] === name)) continue;
    await reader.cancel();
    return true;
  }
}

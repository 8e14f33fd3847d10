import type { CustomFetch } from 'openid-client';
import type { TokenEndpointReply } from './classification.js';

const MAX_BODY_BYTES = 1_048_576;

class BodyTooLargeError extends Error {}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new BodyTooLargeError('token response is larger than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `Retry-After` as seconds or as a date, which is measured against the same answer's `Date`. */
function retryAfterSeconds(headers: Headers): number | null {
  const value = headers.get('retry-after');
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - Date.parse(headers.get('date') ?? '')) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : null;
}

/**
 * A `fetch` for the OAuth client library that reads one answer to its end, within the time-out and 1 MiB, hands it to
 * `onReply`, and gives the library whatever body that returns to validate. Redirects are not followed.
 */
export function capturingFetch(
  onReply: (reply: TokenEndpointReply) => string,
  onSend: () => void = () => undefined,
): CustomFetch {
  return async (url, options) => {
    onSend();
    const response = await fetch(url, { ...(options as RequestInit), redirect: 'manual' });
    const body = onReply({
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      retryAfterSeconds: retryAfterSeconds(response.headers),
      body: await readBody(response),
    });
    return new Response(response.status === 204 ? null : body, {
      status: response.status,
      headers: response.headers,
    });
  };
}

import type { CustomFetch } from 'openid-client';
import type { TokenEndpointReply } from './classification.js';

const MAX_BODY_BYTES = 1_048_576;

/** Reads up to 1 MiB; what goes on after that is given up, and its connection closed. */
async function readBody(response: Response): Promise<{ body: string; truncated: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      chunks.push(chunk);
      if (size > MAX_BODY_BYTES) break;
    }
  } catch (error) {
    // A refusal is one whatever its body would have said.
    if (response.ok) throw error;
    return { body: '', truncated: true };
  }
  const body = Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8');
  return { body, truncated: size > MAX_BODY_BYTES };
}

/** `Retry-After` as seconds or as a date, which is measured against the same answer's `Date`. */
function retryAfterSeconds(headers: Headers): number | null {
  const value = headers.get('retry-after');
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - Date.parse(headers.get('date') ?? '')) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : null;
}

/** Reads one answer to its end, within the time-out of its request and 1 MiB. */
export async function readReply(response: Response): Promise<TokenEndpointReply> {
  const { status, headers } = response;
  return {
    status,
    contentType: headers.get('content-type') ?? '',
    retryAfterSeconds: retryAfterSeconds(headers),
    ...(await readBody(response)),
  };
}

const WITHOUT_BODY = new Set([101, 204, 205, 304]);

/**
 * A `fetch` for the OAuth client library that reads one answer to its end, within the time-out and 1 MiB, hands it to
 * `onReply`, and gives the library whatever body that returns to validate. Redirects are not followed.
 */
export function capturingFetch(onReply: (reply: TokenEndpointReply) => string): CustomFetch {
  return async (url, options) => {
    const response = await fetch(url, { ...options, redirect: 'manual' });
    const { status, headers } = response;
    const body = onReply(await readReply(response));
    return new Response(WITHOUT_BODY.has(status) ? null : body, { status, headers });
  };
}

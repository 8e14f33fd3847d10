/* The page's way to the app: the package's client, which adds the header against cross-site requests, stores nothing, and
 * hears of the end of the session in every tab. */
import { createTokenClient } from './tokenward-browser/index.js';
import { asking } from './app.js';

export const client = createTokenClient({ baseUrl: '/', mode: 'bff' });

export const ask = asking(client.fetch);

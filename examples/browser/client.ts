import { createTokenClient } from '@tokenward/browser';

/** The browser has a cookie; the backend has the tokens and calls the APIs: `client.fetch('/api/google/…')`. */
export const client = createTokenClient({ baseUrl: '/', mode: 'bff' });

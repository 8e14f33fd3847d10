import { hopByHop } from './request-headers.js';

/**
 * What an API may tell a page: about the content, and when to come again. Its cookies, challenges and policies are not
 * this app's. `link` leads to pages of lists; its addresses are those of the API, for the page to look at.
 */
const passed = [
  'accept-ranges',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'link',
  'retry-after',
];

/** The headers of an API's answer that go on to the browser, except `location`. */
export function answerHeaders(headers: Record<string, unknown>): Record<string, string> {
  const text = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const forThisHop = hopByHop(text('connection'));
  const chosen = passed.flatMap((name) => {
    const value = text(name);
    return value === undefined || forThisHop.has(name) ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(chosen),
    ...caching(text('cache-control'), text('vary')),
    // A document or a script that it answers with does nothing in this app's name.
    'content-security-policy': "sandbox; default-src 'none'",
  };
}

/** Kept by this browser at most, and for this session: another user may log in there. */
function caching(control = 'no-store', vary: string | undefined): Record<string, string> {
  const directives = control
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => /^(?:max-age=\d+|no-cache|no-store|must-revalidate|immutable)$/.test(directive));
  return {
    'cache-control': ['private', ...(directives.length > 0 ? directives : ['no-store'])].join(', '),
    vary: vary === undefined ? 'cookie' : `${vary}, cookie`,
  };
}

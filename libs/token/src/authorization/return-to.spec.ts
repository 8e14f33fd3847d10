import { describe, expect, it } from 'vitest';
import { safeReturnTo } from './return-to.js';

const APP = 'https://app.example.com';
const OWN = '/auth';

/** What somebody might try in order to lead a user elsewhere after a log-in. */
const attempts = [
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '//evil.example/%2f..',
  '//evil.example@app.example.com',
  '//app.example.com@evil.example',
  '//evil%2eexample',
  '//evil.example:443/',
  '//user:password@evil.example/',
  '//[::1]/',
  '//0x7f000001/',
  '//127.1',
  '//evil。example',
  '//ｅvil.example',
  '//xn--e1afmkfd.example',
  '/\\evil.example',
  '/\\/evil.example',
  '/\\\\evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '\\evil.example',
  '/path\\..\\evil',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '/\r\n/evil.example',
  '\t//evil.example',
  '\n//evil.example',
  ' //evil.example',
  '\u0000//evil.example',
  '\u000b//evil.example',
  '\u00a0//evil.example',
  '\u2028//evil.example',
  '\ufeff//evil.example',
  '/\u0000/evil.example',
  '/\u200b/evil.example',
  '/\u00ad/evil.example',
  '/\u2029/evil.example',
  '/\u0085/evil.example',
  '/\u3000/evil.example',
  '/%09/evil.example',
  '/%0a/evil.example',
  '/%0d/evil.example',
  '/%0d%0aLocation:%20//evil.example',
  '/%2f/evil.example',
  '/%2fevil.example',
  '/%2Fevil.example',
  '/%2f%2fevil.example',
  '/%252fevil.example',
  '/%25252fevil.example',
  '/%5cevil.example',
  '/%5Cevil.example',
  '/%255cevil.example',
  '/%5c%5cevil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/./\\evil.example',
  '/../..//evil.example',
  '/a/..//evil.example',
  '/a/../..//evil.example',
  '/%2e//evil.example',
  '/%2e%2e//evil.example',
  '/.%2e//evil.example',
  '/./%2fevil.example',
  '/../%5cevil.example',
  'https://evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'https:\\\\evil.example',
  'HTTPS://evil.example',
  'http://evil.example',
  'ht\ntps://evil.example',
  ' https://evil.example',
  'https://app.example.com@evil.example',
  'https://app.example.com.evil.example',
  'https://app.example.com%2f@evil.example',
  'https://app.example.com/',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  ' javascript:alert(1)',
  '\u0001javascript:alert(1)',
  'javascript://app.example.com/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'data:text/html;base64,PHNjcmlwdD4=',
  'vbscript:msgbox(1)',
  'blob:https://evil.example/1',
  'file:///etc/passwd',
  'ftp://evil.example',
  'about:blank',
  'mailto:eve@evil.example',
  'ws://evil.example',
  'evil.example',
  '@evil.example',
  ':@evil.example',
  '.evil.example',
  ':443@evil.example',
  '?//evil.example',
  '#//evil.example',
  '',
  ' ',
  '.',
  '..',
  './/evil.example',
  '../evil.example',
  '/auth/login/acme',
  '/auth',
  '/auth/',
  '/a/../auth/login/acme',
  '/%61uth/connect/acme',
  '/%41%55TH/connect/acme',
  '/AUTH/connect/acme',
  '/Auth',
  '/auth%2Fconnect/acme',
  '/\ud800',
  '/' + 'a'.repeat(2048),
];

describe('Where a log-in ends', () => {
  it.each([
    '/',
    '/inbox',
    '/inbox?page=2&to=//b',
    '/inbox#//top',
    '/authors',
    '/Authors',
    '/%61uthors',
    '/100%',
    '/a%20b',
    '/%E2%82%AC',
    '/a:b@c',
  ])('may be %s', (path) => {
    expect(safeReturnTo(path, OWN)).toBe(path);
  });

  it('is as a browser reads it', () => {
    expect(safeReturnTo('/a/../b', OWN)).toBe('/b');
    expect(safeReturnTo('/é', OWN)).toBe('/%C3%A9');
  });

  it('more than a hundred forms of elsewhere are tried', () => {
    expect(new Set(attempts).size).toBeGreaterThanOrEqual(100);
  });

  it.each(attempts.map((path) => [JSON.stringify(path).slice(0, 60), path]))('is not %s', (_shown, path) => {
    expect(safeReturnTo(path, OWN)).toBeNull();
  });

  it.each([undefined, null, 1, ['/a'], { href: '/a' }])('is not %o', (value) => {
    expect(safeReturnTo(value, OWN)).toBeNull();
  });

  it('stays at this origin for whatever is let through, and for whatever a URL can be made of', () => {
    const pieces = ['/', '\\', '%2f', '%5c', '.', '..', '@', ':', 'evil.example', '\t', '%09', '?', '#', 'a'];
    let passed = 0;
    for (const one of pieces)
      for (const two of pieces)
        for (const three of pieces)
          for (const four of pieces) {
            const path = safeReturnTo(`/${one}${two}${three}${four}`, OWN);
            if (path === null) continue;
            passed++;
            // As a browser follows the Location header, and as somebody may who decodes the path first.
            if (new URL(path, APP).origin !== APP) throw new Error(`${path} leads elsewhere`);
            if (/^[/\\]{2}/.test(decodeURI(new URL(path, APP).pathname)))
              throw new Error(`${path} is doubtful`);
          }
    expect(passed).toBeGreaterThan(1000);
  });
});

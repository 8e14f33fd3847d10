const words = (text: string): string[] => text.trim().split(/ +|\n\s*/);

/** Ways to write two dots, and a slash, that one server or another has fallen for. */
const dots = [
  ...words('.. . ... ..; ..;a=b .;. %2e%2e %2E. .%2e %252e%252e %25252e. ..%00 %00.. ..%20 ..%09 ..%0d%0a'),
  ...words('..%3b ..%23 ..%3f %c0%ae%c0%ae %c0%2e%c0%2e %e0%80%ae. %ef%bc%8e%ef%bc%8e %e2%80%a5'),
  ...words('%e2%80%a4. %u002e%u002e .%e2%80%8b. %uff0e. \u00c0\u00ae\u00c0\u00ae ..\u0085'),
];
const slashes = words('/ \\ %2f %5C %252f %c0%af %ef%bc%8f %u2215 //');

/** Out of `/files/*`, whose answers are for everybody. */
const climbing = dots.flatMap((dot) => slashes.map((slash) => `/api/test/files/${dot}${slash}secret`));

/** Another way to write what is listed, or next to it. */
const beside = [
  ...words(`/me/ /ME /%6de /me%20 /me. /me%2e /me%00 /me;a=b /me%3fa /me%23 /me#a /me%3b //me /./me /me/. /me/..
    /files/../me /secret/../me /me\\ /me/* /me?a=' /files /files%2f /files?/1 /files#/1 /files\\1 /files%5c1
    /files;/1 /filesx/1 /Files/1 /files//1 /files/1//2 /files/a/./b /files/1#a /files/1?a#b /files/caf\u00e9
    /files/" /files/< /files/{ /files/| /files/^ /files/\` /files/% /files/%2 /files/%zz /files/%e9
    /files/%ff%fe /files/\u0000 /files/%ed%a0%80 /`),
  '',
  '/me\t',
  '/files/a b',
].map((path) => `/api/test${path}`);

const aroundTheRoute =
  words(`/api//test/me /api/./test/me //api/test/me /./api/test/me /API/test/me /api/TEST/me
  /%61pi/test/me /api/te%73t/me /api/%74est/files/1 /api%2ftest%2fme /api/test%2fme /api\\test\\me
  /api/test/../test/me /api/elsewhere/../test/me /api/test;a/me /api;a/test/me /api/test%00/me /api/__proto__/me
  /api/constructor/me /api/elsewhere/me /api/*/me /api//me * api/test/me ?/api/test/me`);

const toAnotherHost = (host: string): string[] =>
  words(`/api/test//${host}/me /api/test/${host} /api/test/http://${host}/me /api/test@${host}/me
    /api/test/..//${host}/me /api/test\\\\${host}/me /api/test/%2f%2f${host}/me /api/test.${host}/me
    /api/test:80@${host}/me http://${host}/api/test/me http://${host}/v1/me http://${host}/api/test/secret
    ${host}/api/test/me //${host}/api/test/me ftp://${host}/api/test/me`);

/** More than 300 request targets, none of which is a call of `GET /me` or `GET /files/*` of the API `test` as it is written. */
export const urlTricks = (host: string): string[] => [
  ...climbing,
  ...beside,
  ...aroundTheRoute,
  ...toAnotherHost(host),
];

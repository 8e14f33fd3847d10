const library = 'libs/token/src';
const module = { 'package.json': '{ "type": "module" }\n' };
const example = { 'examples/a.ts': 'export function a() {\n  return 1;\n}\n' };
const quote = (head: string, code: string): string => `\`\`\`${head}\n${code}\n\`\`\`\n`;

// Put together here, because the check reads this file too.
const home = ['', 'home'].join('/');
const registry = ['https:', '', 'registry.npmjs.org'].join('/');

const entry = { types: './dist/index.d.ts', default: './dist/index.js' };
const manifest = {
  name: '@x/x',
  version: '1.0.0',
  license: 'MIT',
  type: 'module',
  files: ['dist'],
  exports: entry,
};
/** A built package, all right. */
const built: Files = {
  'package.json': JSON.stringify({ workspaces: ['libs/token', 'libs/browser'] }),
  'libs/token/package.json': JSON.stringify({ ...manifest, exports: { '.': entry } }),
  'libs/token/README.md': '# X\n',
  'libs/token/LICENSE': 'MIT\n',
  'libs/token/dist/index.js': 'export const a = 1;\n',
  'libs/token/dist/index.d.ts': '/** Says one. */\nexport declare const a: 1;\n',
  'libs/token/api.snapshot.txt': '# @x/x\n\n## a\nexport declare const a: 1;\n',
};
for (const [file, text] of Object.entries(built))
  if (file.startsWith('libs/token/'))
    built[file.replace('token', 'browser')] = text.replaceAll('@x/x', '@x/y');
const { 'libs/token/LICENSE': _license, ...unlicensed } = built;
const { 'libs/browser/LICENSE': _other, ...unlicensedToo } = built;
/** Noise, which no compression makes small. */
const noise = Array.from({ length: 1500 }, (_, index) => Math.sin(index + 1).toString(36)).join('');

type Files = Record<string, string>;

/** What a check must let pass. */
export const right: [check: string, files: Files][] = [
  ['format', { 'src/a.ts': 'export const a = 1;\n' }],
  ['lint', { 'src/a.ts': 'export const a = async (): Promise<void> => {};\nvoid a();\n' }],
  ['types', { ...module, 'src/a.ts': 'export const a = 1;\n' }],
  ['sources', { 'src/config/a.ts': 'process.env.PORT;\n', [`${library}/common/clock.ts`]: 'Date.now();\n' }],
  ['sources', { [`${library}/a.ts`]: 'new Date(0);\n', [`${library}/a.spec.ts`]: 'new Date();\n' }],
  ['words', { 'a.md': 'See ~/work/x, src/home/y and /usr/bin/x.\n' }],
  ['docs', { 'a.md': '[b](b.md#c) [c](https://c.example) [d](#d)', 'b.md': '`[x](y)`' }],
  ['docs', { ...example, 'a.md': quote('ts examples/a.ts', 'return 1;') }],
  ['api', built],
  ['package', built],
  ['size', built],
  ['sources', { 'libs/browser/src/a.ts': "// localStorage\nexport const a = 'Date.now';\n" }],
];

/** What a check must find, and what it says. */
export const wrong: [check: string, files: Files, complaint: RegExp][] = [
  ['format', { 'src/a.ts': 'export const a=1' }, /src\/a\.ts/],
  ['lint', { 'src/a.ts': 'export const a = async () => {};\na();\n' }, /no-floating-promises/],
  ['lint', { [`${library}/a.ts`]: 'console.log(1);\nexport const a = 1;\n' }, /no-console/],
  ['types', { ...module, 'src/a.ts': `export const a: 1 = 'x';\n` }, /TS2322/],
  ['sources', { 'src/a.ts': 'process.env.PORT;\n' }, /src\/a\.ts:1: environment variables/],
  ['sources', { [`${library}/config/a.ts`]: `process['env'];\n` }, /environment variables/],
  ['sources', { [`${library}/a.ts`]: 'Date.now();\n' }, /time comes from common\/clock/],
  ['sources', { [`${library}/a.ts`]: 'new Date();\n' }, /time comes from common\/clock/],
  ['sources', { [`${library}/a.ts`]: 'performance.now();\n' }, /time comes from common\/clock/],
  ['sources', { [`${library}/a.ts`]: 'crypto.randomUUID();\n' }, /cryptography lives in crypto/],
  ['words', { 'a.md': `In ${home}/ada/x.\n` }, /\/home\/ada/],
  ['words', { 'a.json': `"${registry}/x"` }, /registry/],
  ['docs', { 'a.md': '[b](b.md)' }, /a\.md: the link to "b\.md"/],
  [
    'docs',
    { ...example, 'a.md': quote('ts examples/a.ts', 'return 2;') },
    /is not what examples\/a\.ts says/,
  ],
  ['docs', { 'a.md': quote('ts', 'return 2;') }, /names no example/],
  ['docs', { 'a.md': quote('ts examples/b.ts', 'return 2;') }, /not there/],
  ['lockfile', { 'package-lock.json': '  "resolved": "https://x.example/a.tgz"' }, /:1: a download address/],
  [
    'api',
    { ...built, 'libs/token/dist/index.d.ts': 'export declare const a: 2;\n' },
    /\+export declare const a: 2/,
  ],
  ['api', { ...built, 'libs/token/api.snapshot.txt': '' }, /## a/],
  ['api', { ...built, 'libs/browser/api.snapshot.txt': '' }, /@x\/y/],
  ['package', unlicensed, /libs\/token: the package lacks LICENSE/],
  ['package', unlicensedToo, /libs\/browser: the package lacks LICENSE/],
  ['size', { ...built, 'libs/browser/dist/index.js': `export const a = '${noise}';\n` }, /5000 are too many/],
  ['sources', { 'libs/browser/src/a.ts': "localStorage.a = '';\n" }, /nothing is stored in the browser/],
  ['sources', { 'libs/browser/src/a.ts': 'document.cookie;\n' }, /nothing is stored in the browser/],
  ['package', { ...built, 'libs/token/dist/a.spec.js': '' }, /holds dist\/a\.spec\.js/],
  ['package', { ...built, 'libs/token/dist/index.js': 'module.exports = 1;\n' }, /CJS|CommonJS|ESM/],
];

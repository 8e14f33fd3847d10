import { projectFiles, readText } from '../files.mjs';

const library = /^libs\/token\/src\/(?!.*\.spec\.ts$)/;
const tests = /\.spec\.ts$|^(?:test|bench|examples|\.ci)\/|^[^/]+\.(?:ts|cjs)$/;

/** The library asks for NODE_ENV, nothing else, and only here. */
const environment = 'libs/token/src/common/environment.ts';

/** What an import rule cannot see: each pattern, where it is looked for, and what to do instead. */
const rules = [
  {
    pattern: /\bprocess\.env\b|\bprocess\[['"]env/,
    applies: (file) => !(tests.test(file) || file.startsWith('src/config/') || file === environment),
    advice: 'environment variables are read in src/config/ only',
  },
  {
    pattern: /\bDate\.now\(|\bnew Date\(\s*\)|\bperformance\.now\(|\bprocess\.hrtime\b/,
    applies: (file) => library.test(file) && !file.startsWith('libs/token/src/common/clock'),
    advice: 'the time comes from common/clock',
  },
  {
    pattern: /\bglobalThis\.crypto\b|(?<![\w./'"])crypto\.(?:subtle|random|getRandom)/,
    applies: (file) => library.test(file) && !file.startsWith('libs/token/src/crypto/'),
    advice: 'cryptography lives in crypto/',
  },
  {
    pattern:
      /\b(?:localStorage|sessionStorage|indexedDB|cookieStore|caches|serviceWorker)\b|\.cookie\b|getDirectory\(/,
    applies: (file) => /^libs\/browser\/src\/(?!.*\.spec\.ts$)/.test(file),
    advice: 'nothing is stored in the browser',
  },
];

const isComment = (line) => /^\s*(?:\/\/|\/?\*)/.test(line);

export default function check(root) {
  const sources = projectFiles(root).filter((file) => /\.(?:ts|mts|js|mjs)$/.test(file));
  return sources.flatMap((file) => {
    const active = rules.filter((rule) => rule.applies(file));
    if (active.length === 0) return [];
    const lines = readText(file, root).split('\n');
    return lines.flatMap((line, index) =>
      active
        .filter((rule) => !isComment(line) && rule.pattern.test(line))
        .map((rule) => `${file}:${index + 1}: ${rule.advice}: ${line.trim()}`),
    );
  });
}

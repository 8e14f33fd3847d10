import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../command.mjs';
import { projectFiles, readText } from '../files.mjs';

/** Links lead somewhere, and each TypeScript block is a piece of the compiled example it names. */
export default function check(root = projectRoot) {
  const documents = projectFiles(root).filter((file) => file.endsWith('.md'));
  return documents.flatMap((file) => {
    const text = readText(file, root);
    return [...brokenLinks(file, text, root), ...foreignExamples(file, text, root)];
  });
}

function brokenLinks(file, text, root) {
  const prose = text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map((match) => match[1]);
  return targets
    .filter((target) => !/^[a-z]+:|^#/.test(target))
    .filter((target) => !existsSync(join(root, dirname(file), decodeURI(target.split('#')[0]))))
    .map((target) => `${file}: the link to "${target}" leads nowhere`);
}

function foreignExamples(file, text, root) {
  const blocks = [...text.matchAll(/^```(?:tsx?|typescript)\b[ \t]*(\S*)[^\n]*\n(.*?)^```/gms)];
  return blocks.flatMap(([, source, code]) => {
    const head = `${file}: the TypeScript block "${code.trim().split('\n')[0]}"`;
    if (!/^examples\/.+\.tsx?$/.test(source))
      return [`${head} names no example: \`\`\`ts examples/<file>.ts`];
    if (!existsSync(join(root, source))) return [`${head} names ${source}, which is not there`];
    return flat(readText(source, root)).includes(flat(code)) ? [] : [`${head} is not what ${source} says`];
  });
}

/** Indentation may differ: a piece from within a class stands at the margin in a document. */
const flat = (code) =>
  `\n${code
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .join('\n')}\n`;

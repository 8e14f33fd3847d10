import { projectRoot, run } from '../command.mjs';
import { readText } from '../files.mjs';

export default function check(root = projectRoot) {
  const lines = readText('package-lock.json', root).split('\n');
  const addresses = lines
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line.startsWith('"resolved": "http'))
    .map(({ line, number }) => `package-lock.json:${number}: a download address: ${line}`);
  const install = run('npm', ['ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
  });
  return install.ok ? addresses : [...addresses, install.output];
}

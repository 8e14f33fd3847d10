import { run } from '../command.mjs';
import { projectFiles, readText } from '../files.mjs';

/** A file that names a place of one machine is wrong on every other. */
const machinePath = /(?<![\w.~-])\/(?:home|Users|root|work|private)\/[\w.-]+|\b[A-Z]:\\Users\\/;
const binary = /\.(?:png|jpe?g|gif|ico|woff2?|gz|zip)$/;

export default function check(root) {
  const forbidden = [machinePath, downloadHost()];
  return projectFiles(root)
    .filter((file) => !binary.test(file))
    .flatMap((file) =>
      readText(file, root)
        .split('\n')
        .flatMap((line, index) => {
          const found = forbidden.map((pattern) => pattern.exec(line)?.[0]).filter(Boolean);
          return found.map((word) => `${file}:${index + 1}: "${word}" holds on one machine only`);
        }),
    );
}

/** Where packages come from is the choice of the machine that installs them. */
function downloadHost() {
  const registry = run('npm', ['config', 'get', 'registry']).stdout.trim();
  const hosts = ['registry.npmjs.org', new URL(registry).host];
  return new RegExp(`https?://(?:${hosts.map((host) => host.replaceAll('.', String.raw`\.`)).join('|')})`);
}

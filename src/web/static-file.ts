import { readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply } from 'fastify';

/** The same folder seen from `src/web`, from `dist/web` and from `dist/bundle`. */
export const pageFolder = join(import.meta.dirname, '..', '..', 'src', 'page');

/** Where the built modules of a package are. */
export const packageFolder = (name: string): string => dirname(fileURLToPath(import.meta.resolve(name)));

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file for browsers, read once. */
export class StaticFile {
  private readonly content: Buffer;
  private readonly type: string;

  constructor(path: string) {
    this.content = readFileSync(path);
    this.type = types[extname(path)]!;
  }

  sendTo(reply: FastifyReply): void {
    void reply.type(this.type).send(this.content);
  }
}

/** The files of a folder that browsers may have, by name; not those of folders in it. */
export const filesIn = (folder: string): ReadonlyMap<string, StaticFile> =>
  new Map(
    readdirSync(folder)
      .filter((name) => extname(name) in types)
      .map((name) => [name, new StaticFile(join(folder, name))]),
  );

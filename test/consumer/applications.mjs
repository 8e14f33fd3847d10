import { readFileSync } from 'node:fs';

const { dependencies, devDependencies } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

/** The versions that this repository is built with, and the oldest majors that the package promises to serve. */
const current = {
  ...Object.fromEntries(
    [
      '@nestjs/axios',
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/schedule',
      '@nestjs/terminus',
      '@nestjs/typeorm',
      'typeorm',
    ].map((name) => [name, dependencies[name]]),
  ),
  '@nestjs/platform-express': devDependencies['@nestjs/platform-express'],
};
const before = {
  '@nestjs/axios': '^4.0.1',
  '@nestjs/common': '~11.2.0',
  '@nestjs/core': '~11.2.0',
  '@nestjs/platform-express': '~11.2.0',
  '@nestjs/schedule': '^6.1.0',
  '@nestjs/terminus': '^11.0.0',
  '@nestjs/typeorm': '^11.0.0',
  typeorm: '^0.3.20',
};
const common = {
  '@willsoto/nestjs-prometheus': dependencies['@willsoto/nestjs-prometheus'],
  axios: dependencies.axios,
  pg: dependencies.pg,
  'prom-client': dependencies['prom-client'],
  'reflect-metadata': dependencies['reflect-metadata'],
  rxjs: dependencies.rxjs,
};

export const applications = [
  { name: 'Nest 12, TypeORM 1', versions: { ...common, ...current } },
  { name: 'Nest 11, TypeORM 0.3', versions: { ...common, ...before } },
];

export const manifest = (versions, tarball) => ({
  name: 'consumer',
  private: true,
  type: 'module',
  // Terminus 11 and 12 can fail to install on Node.js 20 for an optional peer of theirs.
  overrides: { '@mikro-orm/nestjs': '^7.1.0' },
  dependencies: { ...versions, '@tokenward/nestjs': `file:${tarball}` },
  devDependencies: { '@types/node': devDependencies['@types/node'], typescript: '~5.9.3' },
});

/** `skipLibCheck` is off: what the types of the package say must hold in the consumer's own compiler. */
export const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'ES2023',
    types: ['node'],
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: false,
    noEmitOnError: false,
    outDir: 'dist',
  },
  files: ['main.ts'],
};

// Who may import whom. `test/checks/architecture.spec.ts` proves that each rule can fail.
const { exports: entryPoints } = require('./libs/token/package.json');

const library = '^libs/token/src/';
const specs = '\\.spec\\.ts$';

/** Arrows go down this list only: never up, and never sideways between entries of one line. */
const ranks = [
  ['common/'],
  ['crypto/'],
  ['keys/'],
  ['encryption/'],
  ['store/', 'oauth/'],
  ['refresh/', 'revocation/'],
  ['on-demand/'],
  [
    '(?:token\\.(?:service(?:\\.(?:types|validation))?|cache|writer|revoker)|access-tokens|dpop-proof|token-(?:ref|set)|stored-token|key\\.service(?:\\.types)?|key-report|session-endings)\\.ts$',
  ], // the facades' own files
  ['guard/', 'http/', 'jobs/', 'session/', 'events/'],
  ['authorization/'],
];
/** Their own entry points of the package: they may use the library, nothing in the library uses them. */
const subpaths = ['health/', 'metrics/', 'kms/', 'session/', 'authorization/', 'testing/', 'import/', 'cli/'];
/** But two: the command line is a face of the import, and log-ins end in sessions. */
const usersOf = { 'import/': ['cli/'], 'session/': ['authorization/'] };
const composition = [
  'index\\.ts$',
  'wiring/',
  '(?:token\\.(?:module[^/]*|lifecycle|options\\.validation)|key-tools)\\.ts$',
];
const options = 'token\\.options\\.ts$';

const indexFiles = Object.values(entryPoints)
  .map((entry) => entry['@tokenward/source']?.replace('./', '^libs/token/'))
  .filter((file) => file !== undefined);

const inLibrary = (...places) => `${library}(?:${places.join('|')})`;
const packages = (...names) => `(?:^|node_modules/)(?:${names.join('|')})(?:/|$)`;
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const rankRules = ranks.flatMap((places, rank) => {
  const above = ranks.slice(rank + 1).flat();
  return places.map((place) =>
    rule(
      `rank-${rank}-${/[a-z]+/.exec(place)[0]}`,
      'Arrows go down the ranks, never up, never sideways.',
      { path: inLibrary(place), pathNot: specs },
      {
        path: inLibrary(...above, ...places.filter((other) => other !== place), ...composition, 'database/'),
      },
    ),
  );
});

const folderRules = [
  rule(
    'database-below-the-service',
    'The database holds adapters of ports of ranks 0 to 5.',
    { path: inLibrary('database/'), pathNot: specs },
    { path: inLibrary(...ranks.slice(6).flat(), ...composition) },
  ),
  rule(
    'database-only-by-composition',
    'Everything else sees the ports, not the adapters.',
    {
      path: library,
      pathNot: [
        specs,
        inLibrary(...composition, 'database/', 'health/', 'metrics/', 'testing/', 'import/', 'cli/'),
      ],
    },
    { path: inLibrary('database/') },
  ),
  rule(
    'options-name-options',
    'The options of the module are made of option types and of the ports that a host may bring.',
    { path: inLibrary(options) },
    { path: library, pathNot: ['\\.options\\.ts$', inLibrary('common/', 'keys/', 'guard/principal\\.ts$')] },
  ),
  ...subpaths.map((place) =>
    rule(
      `subpath-${place.replace('/', '')}`,
      'A subpath is loaded by those who ask for it only.',
      { path: '^libs/', pathNot: [specs, inLibrary(place, ...(usersOf[place] ?? []))] },
      { path: inLibrary(place) },
    ),
  ),
  rule(
    'known-place',
    'A new folder of the library needs a place in the ranks above.',
    {
      path: library,
      pathNot: [specs, inLibrary(...ranks.flat(), ...subpaths, ...composition, options, 'database/')],
    },
    {},
  ),
];

const packageRules = [
  rule(
    'typeorm-in-database',
    'Only the database folder knows TypeORM.',
    { path: library, pathNot: [specs, inLibrary('database/')] },
    { path: packages('typeorm') },
  ),
  rule(
    'nest-typeorm-in-composition',
    'The data source of the host comes in through the module.',
    { path: library, pathNot: [specs, inLibrary('database/', ...composition)] },
    { path: packages('@nestjs/typeorm') },
  ),
  rule(
    'node-crypto-in-crypto',
    'All cryptography is read in one folder.',
    { path: library, pathNot: [specs, inLibrary('crypto/')] },
    { path: '^(?:node:)?crypto$' },
  ),
  rule(
    'optional-peers-in-subpaths',
    'Who has not installed an optional peer must be able to load the rest.',
    { path: library, pathNot: inLibrary('health/', 'metrics/') },
    { path: packages('@nestjs/terminus', '@willsoto/nestjs-prometheus', 'prom-client') },
  ),
  rule(
    'aws-sdk-in-kms-aws',
    'As above, and who uses one key service needs not install the client of another.',
    { path: library, pathNot: inLibrary('kms/aws[^/]*\\.ts$') },
    { path: packages('@aws-sdk') },
  ),
  rule(
    'pkcs11js-in-kms-pkcs11',
    'As above.',
    { path: library, pathNot: inLibrary('kms/pkcs11[^/]*\\.ts$') },
    { path: packages('pkcs11js') },
  ),
  rule(
    'kms-stands-alone',
    'A key wrapper needs the port and the cryptography, nothing else of the library.',
    { path: inLibrary('kms/'), pathNot: specs },
    { path: library, pathNot: inLibrary('kms/', 'keys/key-wrapper\\.ts$', 'crypto/', 'common/') },
  ),
  rule(
    'testing-needs-nothing-more',
    'Who tests with the kit installs nothing for it, and it fits every test runner.',
    { path: inLibrary('testing/'), pathNot: specs },
    { path: 'node_modules/', pathNot: packages('jose') },
  ),
];

const boundaryRules = [
  rule('no-cycles', 'Type-only imports count.', {}, { circular: true }),
  rule(
    'resolvable',
    'What is not found is not checked. The app serves the modules of the package below that address.',
    {},
    { couldNotResolve: true, pathNot: '^\\./tokenward-browser/' },
  ),
  rule(
    'no-index-inside',
    'Only the entry points of the package are index files.',
    { path: library },
    { path: `${library}.*index\\.ts$`, pathNot: indexFiles },
  ),
  rule(
    'library-by-its-name',
    'What uses the library sees what its users see.',
    { path: '^(?:src|test|examples)/', pathNot: '^test/simulation/' },
    { path: '^libs/', dependencyTypesNot: ['aliased'] },
  ),
  rule(
    'simulation-runs-the-engine',
    'The simulation runs the refresh engine itself, which no entry point exports, and models what is around it.',
    { path: '^test/simulation/' },
    { path: '^libs/', pathNot: inLibrary('refresh/', 'store/', 'oauth/', 'common/') },
  ),
  rule(
    'bench-library-by-its-name',
    'Micro benches time single functions of crypto, which no entry point exports; the rest is for users.',
    { path: '^bench/' },
    // `bench` is a workspace itself: from there the name of another one is of no type that is known.
    { path: '^libs/', pathNot: inLibrary('crypto/'), dependencyTypesNot: ['aliased', 'undetermined'] },
  ),
  rule(
    'library-on-its-own',
    'The published package holds nothing of its surroundings.',
    { path: library, pathNot: specs },
    { path: '^(?:src|test|examples|bench)/' },
  ),
  rule(
    'browser-on-its-own',
    'The browser package is made of itself: no dependency, nothing of Node.js, nothing of the server.',
    { path: '^libs/browser/src/', pathNot: specs },
    { pathNot: '^libs/browser/src/' },
  ),
];

module.exports = {
  forbidden: [...boundaryRules, ...rankRules, ...folderRules, ...packageRules],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/', '^libs/[^/]+/dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@tokenward/source', 'import', 'require', 'node', 'default', 'types'],
    },
  },
};

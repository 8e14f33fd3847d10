import { defineConfig } from 'rolldown';

/** Present only where a host installs them; this app does without. */
const optional =
  /^(@fastify\/(multipart|static|view)|@nestjs\/(microservices|platform-express|websockets)|class-(transformer|validator))(\/|$)/;

/**
 * The built app in a few files: Node.js spends most of a start on finding and reading the 1,700 small ones.
 * Database drivers stay outside: one of them is native, and only the configured one is loaded.
 */
export default defineConfig({
  input: { main: 'dist/main.js', child: 'dist/local/child.js' },
  platform: 'node',
  external: [optional, 'reflect-metadata', 'better-sqlite3', 'mysql2', 'pg'],
  output: {
    dir: 'dist/bundle',
    chunkFileNames: '[name].js',
    keepNames: true,
    sourcemap: true,
    strictExecutionOrder: true,
  },
  onLog(level, log, report) {
    if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message);
    report(level, log);
  },
  checks: { eval: false },
});

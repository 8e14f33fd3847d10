/*
 * oidc-provider reminds whoever starts it that in-memory state and Node 20 are not for production. Here both are the
 * point, and the reminders would bury what the user needs to read. Import this before oidc-provider.
 */
for (const level of ['info', 'warn'] as const) {
  const write = console[level].bind(console);
  console[level] = (...values: unknown[]) => {
    if (!/oidc-provider (WARNING|NOTICE)/.test(String(values[0]))) write(...values);
  };
}

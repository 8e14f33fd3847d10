function codesOf(error: unknown): unknown[] {
  const { code, errno, driverError } = error as {
    code?: unknown;
    errno?: unknown;
    driverError?: { code?: unknown; errno?: unknown; message?: string };
  };
  return [code, errno, driverError?.code, driverError?.errno];
}

/** Of the driver's error, as it is or wrapped by TypeORM. */
export const has = (error: unknown, ...codes: unknown[]): boolean =>
  codesOf(error).some((code) => codes.includes(code));

export const isUniqueViolation = (error: unknown): boolean =>
  has(error, '23505', 1062, 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY');

export const isForeignKeyViolation = (error: unknown): boolean =>
  has(error, '23503', 1452, 1216, 1451, 1217, 'SQLITE_CONSTRAINT_FOREIGNKEY');

/** Two statements stood in each other's way and the database has ended one: it may be repeated. */
export const isDeadlock = (error: unknown): boolean =>
  has(error, '40P01', '40001', 1213, 1205, 'SQLITE_BUSY');

export function isMissingTable(error: unknown): boolean {
  return has(error, '42P01', 1146) || /no such table/i.test((error as Error).message);
}

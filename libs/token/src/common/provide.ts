import type { FactoryProvider } from '@nestjs/common';

/** One part of a module: the classes of this library know no Nest, the modules put them together. */
export function provide<T>(
  token: FactoryProvider<T>['provide'],
  inject: FactoryProvider['inject'],
  useFactory: (...args: never[]) => T,
): FactoryProvider<T> {
  return { provide: token, inject: inject ?? [], useFactory: useFactory as (...args: unknown[]) => T };
}

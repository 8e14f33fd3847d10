import type { Effect, Effects } from './effects.js';

/** What carries out each effect. */
export type EffectHandlers = {
  [Name in keyof Effects]: (
    input: Effects[Name]['in'],
  ) => Promise<Effects[Name]['out']> | Effects[Name]['out'];
};

export async function perform(handlers: EffectHandlers, { name, input }: Effect): Promise<unknown> {
  return (handlers[name] as (input: unknown) => unknown)(input);
}

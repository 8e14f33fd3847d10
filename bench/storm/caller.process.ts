import 'reflect-metadata';
import { times } from '../../test/faults/stage/measure.js';
import { serve } from '../serve.js';
import type { Caller, Contender, Login, Setup } from './contender.js';

/** `contender`: its file, from here. */
export interface Orders {
  contender: string;
  setup: Setup;
}

export type Methods = Awaited<ReturnType<typeof begin>>;

async function begin({ contender, setup }: Orders) {
  const library = ((await import(contender)) as { contender: Contender }).contender;
  let caller: Caller | undefined;
  return {
    store: async (logins: Login[]) => library.store(setup, logins),
    open: async () => {
      caller = await library.open(setup);
    },
    get: async (userId: string) => caller!.getAccessToken(userId),
    /** So many calls at once for one user. */
    storm: async (userId: string, calls: number) => {
      const milliseconds: number[] = [];
      const failures: string[] = [];
      const call = async (): Promise<void> => {
        const begun = performance.now();
        await caller!.getAccessToken(userId).catch((error: Error) => failures.push(error.message));
        milliseconds.push(performance.now() - begun);
      };
      await Promise.all(times(calls, call));
      return { milliseconds, failures };
    },
    close: async () => caller?.end(),
  };
}

serve(begin);

import type { createTokenClient as create, TokenClient } from '@tokenward/browser';
import type { AxiosStatic } from 'axios';

declare global {
  // What a page has of its own, as far as tests and their pages use it.
  var location: { origin: string; search: string };
  var document: EventTarget & { getElementById(id: string): object };

  // What pages/page.ts and the visitor put into it.
  var client: TokenClient;
  var createTokenClient: typeof create;
  var axios: AxiosStatic;
  var ends: string[];
  var violations: string[];
  /** Promises of what was begun, to be asked for later. */
  var kept: Record<string, Promise<unknown>>;
  /** Milliseconds by which the page's two clocks are ahead of the machine's. */
  var ahead: { wall: number; monotonic: number };
}

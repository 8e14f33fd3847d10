import type { Random } from './random.js';
import { Violation } from './violation.js';

/** `strict`: reuse revokes the grant. `grace`: a consumed refresh token works once more for a while. `plain`: no refresh-token rotation. */
export type Mode = 'strict' | 'grace' | 'plain';
export const GRACE_SECONDS = 20;
/** Between the moment at which a replica decides and the one at which the provider sees it. */
const ON_THE_WAY_MS = 4_000;

/** What is known, outside the provider, of one presentation of a refresh token. */
export interface Presentation {
  at: number;
  /** `unknown`: nobody alive knows. `harmless`: its sender knows that the provider has not consumed the token. */
  state: 'under way' | 'unknown' | 'harmless' | 'answered' | 'stored';
  consumed: boolean;
  /** When its answer was stored by a statement that had left a process before it died; until then nobody alive knew. */
  storedLateAt: number | null;
}

interface Grant {
  user: number;
  alive: boolean;
  current: string;
  readonly usedAt: Map<string, number>;
}

/** What a provider does with refresh tokens, and its log: the oracle. */
export class ProviderModel {
  readonly presentations = new Map<string, Presentation[]>();
  readonly #grants = new Map<string, Grant>();
  #count = 0;

  constructor(
    private readonly mode: Mode,
    private readonly mayReplay: (ageMs: number) => boolean,
    private readonly random: Random,
  ) {}

  logIn(user: number): { accessToken: string; refreshToken: string } {
    const grant: Grant = { user, alive: true, current: '', usedAt: new Map() };
    return { accessToken: `access-${user}-${++this.#count}`, refreshToken: this.#rotate(grant) };
  }

  revoke(refreshToken: string): void {
    const grant = this.#grants.get(refreshToken);
    if (grant) grant.alive = false;
  }

  /**
   * I1: whether the request may be made at all, by somebody who has read the row at `readAt` and claimed it since. One
   * whose sender has died on its way is as unknown to those who came after it as they are to it.
   */
  present(refreshToken: string, now: number, readAt: number, senderIsDead: boolean): Presentation {
    const earlier = this.presentations.get(refreshToken) ?? [];
    for (const { state, consumed, at, storedLateAt } of earlier) {
      const isUnknown =
        state === 'unknown' || senderIsDead || (storedLateAt !== null && storedLateAt > readAt);
      const allowed =
        state === 'harmless' ||
        (state === 'stored' && !consumed) ||
        (isUnknown && this.mayReplay(Math.max(0, now - at - ON_THE_WAY_MS)));
      if (!allowed)
        throw new Violation('I1', `a refresh token whose presentation is ${state} was presented again`);
    }
    const presentation: Presentation = { at: now, state: 'under way', consumed: false, storedLateAt: null };
    this.presentations.set(refreshToken, [...earlier, presentation]);
    return presentation;
  }

  /** The provider's own work. Null: `invalid_grant`. */
  process(refreshToken: string, presentation: Presentation, now: number): Record<string, unknown> | null {
    const grant = this.#grants.get(refreshToken);
    if (!grant?.alive) return null;
    if (refreshToken !== grant.current && this.mode !== 'plain') {
      const age = now - (grant.usedAt.get(refreshToken) ?? -Infinity);
      if (this.mode === 'strict' || age > GRACE_SECONDS * 1000) {
        grant.alive = false;
        return null;
      }
    }
    const answer = {
      access_token: `access-${grant.user}-${++this.#count}`,
      expires_in: 15 + this.random.upTo(20),
    };
    if (this.mode === 'plain') return answer;
    presentation.consumed = true;
    if (!grant.usedAt.has(refreshToken)) grant.usedAt.set(refreshToken, now);
    return { ...answer, refresh_token: this.#rotate(grant) };
  }

  #rotate(grant: Grant): string {
    const refreshToken = `refresh-${grant.user}-${++this.#count}`;
    grant.current = refreshToken;
    this.#grants.set(refreshToken, grant);
    return refreshToken;
  }
}

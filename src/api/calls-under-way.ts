import { tooManyCalls } from './api.fault.js';

/** Whose token a call carries. */
export interface Caller {
  userId: string;
  tenantId: string;
  provider: string;
}

/** How many calls each user has under way at each provider. */
export class CallsUnderWay {
  private readonly counts = new Map<string, number>();

  /** Counts one more. Returns what counts it off again. @throws ApiFault `TOO_MANY_CALLS` */
  enter({ tenantId, userId, provider }: Caller, most: number): () => void {
    const key = JSON.stringify([tenantId, userId, provider]);
    const count = this.counts.get(key) ?? 0;
    if (count >= most) throw tooManyCalls(most);
    this.counts.set(key, count + 1);
    return () => this.leave(key);
  }

  private leave(key: string): void {
    const count = this.counts.get(key)! - 1;
    if (count > 0) this.counts.set(key, count);
    else this.counts.delete(key);
  }
}

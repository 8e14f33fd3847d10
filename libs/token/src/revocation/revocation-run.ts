import type { PendingRevocation } from '../store/revocation-rows.js';
import { RevocationRows } from '../store/revocation-rows.js';
import type { RevocationService } from './revocation.service.js';

const AT_ONCE = 100;
const PARALLEL_REQUESTS = 10;

/** One walk over what is due in the outbox. Safe on every replica at the same time. */
export class RevocationRun {
  constructor(
    private readonly rows: RevocationRows,
    private readonly service: RevocationService,
    private readonly settings: { maxAgeMs: number },
  ) {}

  /** Gives up what is too old, tries what is due; how many tokens were revoked. */
  async run(signal?: AbortSignal): Promise<number> {
    await this.giveUpExpired();
    const resting = new Set<string>();
    let revoked = 0;
    for (;;) {
      const due = await this.rows.findDue([...resting], AT_ONCE);
      const byProvider = new Map<string, PendingRevocation[]>();
      for (const entry of due)
        byProvider.set(entry.provider, [...(byProvider.get(entry.provider) ?? []), entry]);
      revoked += sum(
        await allOf([...byProvider.values()].map((entries) => this.work(entries, resting, signal))),
      );
      if (due.length < AT_ONCE || signal?.aborted) return revoked;
    }
  }

  private async giveUpExpired(): Promise<void> {
    for (;;) {
      const expired = await this.rows.findExpired(this.settings.maxAgeMs, AT_ONCE);
      for (const entry of expired) await this.service.giveUp(entry, 'expired');
      if (expired.length < AT_ONCE) return;
    }
  }

  /** Entries of one provider. The first one goes alone: a provider that is down is asked once in a run. */
  private async work(
    [first, ...rest]: PendingRevocation[],
    resting: Set<string>,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let revoked = 0;
    const one = async (entry: PendingRevocation): Promise<void> => {
      const outcome = await this.service.tryAgain(entry);
      if (outcome === 'taken') return;
      if (outcome.outcome === 'revoked') revoked++;
      else if (outcome.outcome === 'failed' && outcome.providerDown) resting.add(entry.provider);
    };
    if (first) await one(first);
    const worker = async (): Promise<number> => {
      for (let entry = rest.shift(); entry; entry = rest.shift()) {
        if (resting.has(entry.provider) || signal?.aborted) break;
        await one(entry);
      }
      return 0;
    };
    await allOf(Array.from({ length: PARALLEL_REQUESTS }, worker));
    return revoked;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Waits for all, also when one fails. @throws the first failure */
async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const ended = await Promise.allSettled(work);
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

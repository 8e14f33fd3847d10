import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';

const mostFailures = 5;
const windowMs = 60_000;

/**
 * Slows down who tries passwords: after five wrong ones a network has to wait until a minute after its first. Others
 * are not affected, so nobody can lock the operator out.
 */
export class FailedAttempts {
  private readonly failures = new LRUCache<string, { count: number; until: number }>({ max: 10_000 });

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whole seconds until this address may try again; 0: it may now. */
  waitSeconds(address: string): number {
    const failed = this.current(address);
    return failed && failed.count >= mostFailures ? Math.ceil((failed.until - this.now()) / 1000) : 0;
  }

  add(address: string): void {
    const failed = this.current(address) ?? { count: 0, until: this.now() + windowMs };
    this.failures.set(networkOf(address), { ...failed, count: failed.count + 1 });
  }

  private current(address: string): { count: number; until: number } | undefined {
    const failed = this.failures.get(networkOf(address));
    return failed && failed.until > this.now() ? failed : undefined;
  }
}

/** One IPv6 customer has 2^64 addresses, so their common half counts; of IPv4 the address itself. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head, tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const [before, after] = [head ?? [], tail ?? []];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...after];
  return groups.slice(0, 4).join(':');
}

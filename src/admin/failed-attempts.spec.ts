import { describe, expect, it } from 'vitest';
import { FailedAttempts } from './failed-attempts.js';

describe('failed attempts', () => {
  const failing = (...addresses: string[]) => {
    let now = 0;
    const attempts = new FailedAttempts(() => now);
    for (const address of addresses) attempts.add(address);
    return { attempts, pass: (seconds: number) => (now += seconds * 1000) };
  };
  const five = (address: string): string[] => Array.from({ length: 5 }, () => address);

  it('may be four a minute', () => {
    expect(failing(...five('192.0.2.1').slice(1)).attempts.waitSeconds('192.0.2.1')).toBe(0);
  });

  it('make an address wait from the fifth on, and no other', () => {
    const { attempts } = failing(...five('192.0.2.1'));
    expect(attempts.waitSeconds('192.0.2.1')).toBe(60);
    expect(attempts.waitSeconds('192.0.2.2')).toBe(0);
  });

  it('are forgotten a minute after the first', () => {
    const { attempts, pass } = failing(...five('192.0.2.1'));
    pass(59.5);
    expect(attempts.waitSeconds('192.0.2.1')).toBe(1);
    pass(0.5);
    expect(attempts.waitSeconds('192.0.2.1')).toBe(0);
    attempts.add('192.0.2.1');
    expect(attempts.waitSeconds('192.0.2.1')).toBe(0);
  });

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', '2001:db8:1:3::9'],
    ['2001:db8::1', '2001:db8:0:0:1::', '2001:db8:0:1::1'],
    ['::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.2'],
    ['::1', '::2', '1::'],
  ])('of %s count for %s, which is in its network, but not for %s', (address, same, other) => {
    const { attempts } = failing(...five(address));
    expect(attempts.waitSeconds(same)).toBe(60);
    expect(attempts.waitSeconds(other)).toBe(0);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { FixedClock } from '../testing/fixed-clock.js';
import { claimantName, Presences } from './presences.js';
import { type Look, type SessionConnection, SessionConnector } from './session-connector.js';

/** Servers that are asked who holds a lock; each answer is given by hand. */
class AskedServers extends SessionConnector {
  override readonly available = true;
  readonly asked: ((look: Look) => void)[] = [];

  override open(): Promise<SessionConnection> {
    throw new Error('nobody opens a session here');
  }

  override look(): Promise<Look> {
    return new Promise((resolve) => {
      this.asked.push(resolve);
    });
  }

  override isSame(one: string, server: string): boolean {
    return one === server;
  }
}

const claimed = { claimId: 'claim', claimReplica: claimantName('replica', 'first-start') };
const free = { free: true, server: 'first-start' };
const held = { free: false, server: 'first-start' };

describe('A claimant', () => {
  let servers: AskedServers;
  let clock: FixedClock;
  let presences: Presences;

  beforeEach(() => {
    servers = new AskedServers();
    clock = new FixedClock();
    presences = new Presences(servers, clock);
  });

  const answer = async (look: Look): Promise<void> => {
    await expect.poll(() => servers.asked.length).toBeGreaterThan(0);
    servers.asked.shift()!(look);
  };
  const laterAnswer = async (look: Look): Promise<void> => {
    await expect.poll(() => clock.sleeping).toBe(1);
    await clock.advance(75);
    await answer(look);
  };

  it('that holds its lock is present, whatever else', async () => {
    const presence = presences.of(claimed);
    await answer({ ...held, server: 'second-start' });
    expect(await presence).toBe('present');
  });

  it('whose lock is free at two looks is absent', async () => {
    const presence = presences.of(claimed);
    await answer(free);
    await laterAnswer(free);
    expect(await presence).toBe('absent');
  });

  it('that takes its lock again between two looks is present', async () => {
    const presence = presences.of(claimed);
    await answer(free);
    await laterAnswer(held);
    expect(await presence).toBe('present');
  });

  it('whose server has been restarted is judged by its heartbeat', async () => {
    const presence = presences.of(claimed);
    await answer({ ...free, server: 'second-start' });
    expect(await presence).toBe('unknown');
  });

  it('without a session is judged by its heartbeat, and nobody is asked', async () => {
    expect(await presences.of({ claimId: 'claim', claimReplica: null })).toBe('unknown');
    expect(servers.asked).toHaveLength(0);
  });

  it('is asked after once by all who ask at the same time, and again by those who come while that goes on', async () => {
    const first = presences.isHeld(claimed);
    await expect.poll(() => servers.asked.length).toBe(1);
    const later = [presences.isHeld(claimed), presences.isHeld(claimed)];
    await answer(free);
    expect(await first).toBe(false);
    await answer(held);
    expect(await Promise.all(later)).toEqual([true, true]);
    expect(servers.asked).toHaveLength(0);
  });
});

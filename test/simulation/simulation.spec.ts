import { afterEach, describe, expect, it, vi } from 'vitest';
import * as circuit from '../../libs/token/src/refresh/circuit.js';
import * as policy from '../../libs/token/src/refresh/policy.js';
import type { Broken } from './row-model.js';
import { Simulation } from './simulation.js';
import { type Invariant, Violation } from './violation.js';

const { LEASE_MS } = policy;
const SEEDS = 20_000;
const POLICY = '../../libs/token/src/refresh/policy.js';
const CIRCUIT = '../../libs/token/src/refresh/circuit.js';

/** Which invariants break within so many seeds, until the one that is looked for is among them. */
function broken(run: (seed: number) => void, sought: Invariant, seeds = SEEDS): Set<string> {
  const found = new Set<string>();
  for (let seed = 0; seed < seeds && !found.has(sought); seed++) {
    try {
      run(seed);
    } catch (error) {
      found.add((error as Violation).invariant ?? `${(error as Error).name}: ${(error as Error).message}`);
    }
  }
  return found;
}

describe('the refresh engine', () => {
  it(`keeps its invariants in ${SEEDS} simulated clusters with crashes, pauses and outages`, () => {
    const violations: string[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      try {
        new Simulation(seed).run();
      } catch (error) {
        violations.push(`seed ${seed}: ${(error as Error).message}`);
      }
    }
    expect(violations).toEqual([]);
  });

  it('runs the same way again from the same seed', () => {
    const traceOf = (seed: number): string[] => {
      const lines: string[] = [];
      new Simulation(seed, {}, (line) => lines.push(line)).run();
      return lines;
    };
    expect(traceOf(7).length).toBeGreaterThan(5);
    expect(traceOf(7)).toEqual(traceOf(7));
    expect(traceOf(8)).not.toEqual(traceOf(7));
  });
});

describe('the simulation notices when', () => {
  it.each<[string, Broken, Invariant]>([
    ['a claim does not look at who holds the row', { claimAnything: true }, 'I1'],
    ['an answer is forgotten', { forgetsAnswer: true }, 'I2'],
    ['an answer in the spool is forgotten', { forgetsSpool: true }, 'I2'],
    ['a rotation leaves the generation as it is', { skipsGeneration: true }, 'I3'],
    ['an answer is stored over one that came meanwhile', { commitAnything: true }, 'I3'],
    ['an answer is stored over a log-out', { commitAnything: true }, 'I4'],
    ['calls of several users share a flight', { sharesFlightsOfAllUsers: true }, 'I5'],
    ['a refusal of the past ends a session', { failAnything: true }, 'I6'],
    ['a claimant is taken for dead although it holds its lock', { overlooksLocks: true }, 'I1'],
    ['a lock that is free for a moment counts as lost', { looksOnce: true }, 'I1'],
    ['locks that a restart of the database has freed count as lost', { overlooksRestarts: true }, 'I1'],
    ['a claimant presents although its session was lost', { presentsWithoutLock: true }, 'I1'],
    ['a claim overlooks a failure since it has read', { claimsAfterFailure: true }, 'I7'],
    ['a probe does not wait for its time', { probesAnytime: true }, 'I7'],
    ['the bucket lets everybody through', { ignoresBucket: true }, 'I7'],
    ['nobody asks for permits', { ignoresRate: true }, 'I7'],
    ['what a restore has brought back is presented', { ignoresHold: true }, 'I1'],
    ['a claim does not look at which database it is in', { claimsInCopies: true }, 'I1'],
  ])('%s', (_name, guard, invariant) => {
    expect(broken((seed) => new Simulation(seed, guard).run(), invariant)).toContain(invariant);
  });

  describe('a decision is wrong:', () => {
    afterEach(() => {
      vi.doUnmock(POLICY);
      vi.doUnmock(CIRCUIT);
      vi.resetModules();
    });

    it.each<[string, Partial<typeof policy>, Invariant]>([
      [
        'a refresh token that may be lost is always presented again',
        {
          mayReplay: () => true,
          claimDecision: (row) =>
            row.claimId !== null && row.claimedAt! + LEASE_MS > row.now ? 'wait' : 'claim',
        },
        'I1',
      ],
      ['a claim is taken over from the living', { claimDecision: () => 'claim' }, 'I1'],
      ['an outcome that is unknown ends every session', { mayReplay: () => false }, 'I6'],
      ['a failure is followed by no back-off', { backoffMs: () => 0 }, 'I7'],
      ['a session is ended without a reason', { claimDecision: () => 'reauthorize' }, 'I6'],
      [
        'a dead claimant is waited for',
        { claimDecision: (row) => (row.claimId === null ? 'claim' : 'wait') },
        'I8',
      ],
    ])('%s', async (_name, wrong, invariant) => {
      vi.resetModules();
      vi.doMock(POLICY, async (original) => ({ ...(await original<typeof policy>()), ...wrong }));
      const { Simulation: WithWrongPolicy } = await import('./simulation.js');
      expect(broken((seed) => new WithWrongPolicy(seed).run(), invariant)).toContain(invariant);
    });

    it.each<[string, Partial<typeof circuit>]>([
      ['an open circuit keeps nobody away', { circuitEntry: () => 'open to all' }],
      [
        'a provider that asks to be left alone is not believed',
        { verdictOn: (outcome) => ({ failure: outcome, weight: 'none', pauseMs: 0 }) },
      ],
    ])('%s', async (_name, wrong) => {
      vi.resetModules();
      vi.doMock(CIRCUIT, async (original) => ({ ...(await original<typeof circuit>()), ...wrong }));
      const { Simulation: WithWrongCircuit } = await import('./simulation.js');
      expect(broken((seed) => new WithWrongCircuit(seed).run(), 'I7')).toContain('I7');
    });
  });
});

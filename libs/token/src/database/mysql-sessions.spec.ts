import { describe, expect, it } from 'vitest';
import { FixedClock } from '../testing/fixed-clock.js';
import { MysqlSessions } from './mysql-sessions.js';

const sessions = new MysqlSessions(null as never, new FixedClock());

describe('The name of a server says', () => {
  it.each<[string, string, boolean]>([
    ['the same of one that has gone on', '4711-1764000000', true],
    ['the same though its start was rounded in another way', '4711-1764000002', true],
    ['another one of a server that was started again', '4711-1764000003', false],
    ['another one of a server that was started at the same time', '4712-1764000000', false],
    ['another one of what it cannot read', 'elsewhere', false],
  ])('%s', (_what, other, same) => {
    expect(sessions.isSame('4711-1764000000', other)).toBe(same);
  });
});

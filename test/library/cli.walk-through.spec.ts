import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from '../support/installation.js';
import { readWalkThrough } from '../support/walk-through.js';

const file = join(import.meta.dirname, '..', '..', 'docs', 'operations', 'key-rotation.md');

describe.each(['sqlite', 'postgres'] as const)('docs/operations/key-rotation.md on %s', (kind) => {
  const installation = new Installation();
  beforeAll(() => installation.start(kind));
  afterAll(() => installation.stop());

  it('shows what really happens', { timeout: 300_000 }, async () => {
    for (const { before, command } of readWalkThrough(readFileSync(file, 'utf8'))) {
      for (const step of before) await installation.step(step);
      const { shows, documented } = await installation.run(command);
      expect(shows, command.line).toBe(documented);
    }
  });
});

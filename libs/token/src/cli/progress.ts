import { Presets, SingleBar } from 'cli-progress';
import { SystemClock } from '../common/clock.js';
import type { ReencryptionStatus } from '../key.service.types.js';
import { count, instant, number } from './format.js';
import type { Terminal } from './terminal.js';

export interface Progress {
  /** This process has moved so many rows more. */
  moved(rows: number): void;
  /** What the database says about all processes together. */
  seen(status: ReencryptionStatus): void;
  end(): void;
}

const LINE_EVERY_MS = 5_000;

/** A bar for a person, a line every five seconds for a log. */
export function progressOn(terminal: Terminal, total: number): Progress {
  const show = terminal.interactive ? bar(terminal, total) : lines(terminal, total);
  let done = 0;
  let pace = '';
  return {
    moved(rows) {
      done = Math.min(total, done + rows);
      show.update(done, pace);
    },
    seen({ rowsLeft, rowsPerSecond, estimatedEnd }) {
      done = Math.max(done, total - rowsLeft);
      pace = rowsPerSecond === null ? '' : `, ${number(rowsPerSecond)} rows/s`;
      if (estimatedEnd) pace += `, done at about ${instant(estimatedEnd)}`;
      show.update(done, pace);
    },
    end: () => show.end(),
  };
}

interface Display {
  update(done: number, pace: string): void;
  end(): void;
}

function bar(terminal: Terminal, total: number): Display {
  const view = new SingleBar(
    {
      format: 'Re-encrypting [{bar}] {percentage}% of {rows}{pace}',
      stream: terminal.notes,
      barsize: 30,
      hideCursor: false,
      gracefulExit: false,
    },
    Presets.legacy,
  );
  const rows = count(total, 'row');
  view.start(total, 0, { rows, pace: '' });
  return {
    update: (done, pace) => view.update(done, { rows, pace: done === total ? '' : pace }),
    end: () => view.stop(),
  };
}

function lines(terminal: Terminal, total: number): Display {
  const clock = new SystemClock();
  let next = clock.monotonic() + LINE_EVERY_MS;
  return {
    update(done, pace) {
      if (clock.monotonic() < next) return;
      next = clock.monotonic() + LINE_EVERY_MS;
      terminal.note(
        `re-encrypted ${number(done)} of ${count(total, 'row')} (${Math.floor((done / total) * 100)} %${pace})`,
      );
    },
    end: () => undefined,
  };
}

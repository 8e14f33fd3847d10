import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';

const pictures = join(import.meta.dirname, '..', '..', '..', 'test-results');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const LOOKS = [
  { look: 'light', colorScheme: 'light', size: { width: 1280, height: 900 } },
  { look: 'dark', colorScheme: 'dark', size: { width: 1280, height: 900 } },
  { look: 'phone', colorScheme: 'light', size: { width: 390, height: 844 } },
  { look: 'phone-dark', colorScheme: 'dark', size: { width: 390, height: 844 } },
] as const;

interface Finding {
  id: string;
  help: string;
  nodes: { target: string[]; failureSummary: string }[];
}

/** Takes a picture of the page in each look, and says what in it somebody could not see, read or use. */
export async function faultsInEachLook(page: Page, name: string): Promise<string[]> {
  mkdirSync(pictures, { recursive: true });
  const faults: string[] = [];
  for (const { look, colorScheme, size } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(size);
    // What keeps its place in sight is to be where it is at first.
    await page.evaluate('scrollTo(0, 0)');
    // A question covers what is in sight.
    const fullPage = (await page.locator('dialog[open]').count()) === 0;
    await page.screenshot({ path: join(pictures, `${name}-${look}.png`), fullPage });
    // Not as a script of the page, whose policy would rightly refuse it.
    await page.evaluate(axe.source);
    const found = await page.evaluate<Finding[]>(
      `axe.run({ runOnly: ${JSON.stringify(rules)}, resultTypes: ['violations'] }).then(({ violations }) => violations)`,
    );
    faults.push(
      ...found.flatMap(({ id, help, nodes }) =>
        nodes.map(
          ({ target, failureSummary }) =>
            `${look}: ${id} (${help}) at ${target.join(' ')}: ${failureSummary}`,
        ),
      ),
    );
    if (!(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')))
      faults.push(`${look}: wider than the screen`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(LOOKS[0].size);
  return faults;
}

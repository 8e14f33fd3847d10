// `count-tests.mjs <vitest JSON report> <exit code>` prints "<passed> <failed>", and on stderr every failure: of a test,
// and of what the report cannot tell.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [file, exitCode] = process.argv.slice(2);
const { testResults, numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(file, 'utf8'));

const notLoaded = testResults.filter(
  (result) => result.status === 'failed' && !result.assertionResults.some((test) => test.status === 'failed'),
);
const tests = testResults.flatMap((result) =>
  result.assertionResults.map((test) => ({ ...test, file: relative(process.cwd(), result.name) })),
);
const failed = tests.filter((test) => test.status === 'failed');
const notRun = tests.filter((test) => !['passed', 'failed'].includes(test.status));

const faults = [
  ...notLoaded.map((result) => `failed outside its tests: ${result.name}: ${result.message}`),
  ...notRun.map((test) => `not run: ${test.fullName}`),
];
if (numTotalTests === 0) faults.push('no test ran');
if (exitCode !== '0' && numFailedTests === 0 && faults.length === 0)
  faults.push(`the run ended with ${exitCode}`);

const LINES_OF_A_MESSAGE = 12;
const inShort = (message) => message.split('\n').slice(0, LINES_OF_A_MESSAGE).join('\n    ');
for (const test of failed)
  console.error(
    `failed: ${test.file}: ${test.fullName}\n    ${test.failureMessages.map(inShort).join('\n    ')}`,
  );
for (const fault of faults) console.error(fault);
console.log(`${numPassedTests} ${numFailedTests + faults.length}`);

// `count-tests.mjs <vitest JSON report> <exit code>` prints "<passed> <failed>", and on stderr what else is wrong.
import { readFileSync } from 'node:fs';

const [file, exitCode] = process.argv.slice(2);
const { testResults, numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(file, 'utf8'));

const notLoaded = testResults.filter(
  (result) => result.status === 'failed' && !result.assertionResults.some((test) => test.status === 'failed'),
);
const notRun = testResults
  .flatMap((result) => result.assertionResults)
  .filter((test) => !['passed', 'failed'].includes(test.status));

const faults = [
  ...notLoaded.map((result) => `failed outside its tests: ${result.name}: ${result.message}`),
  ...notRun.map((test) => `not run: ${test.fullName}`),
];
if (numTotalTests === 0) faults.push('no test ran');
if (exitCode !== '0' && numFailedTests === 0 && faults.length === 0)
  faults.push(`the run ended with ${exitCode}`);

for (const fault of faults) console.error(fault);
console.log(`${numPassedTests} ${numFailedTests + faults.length}`);

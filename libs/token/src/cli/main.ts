#!/usr/bin/env node
import 'reflect-metadata';
import { EXIT } from './exit-code.js';
import { explain, stacks } from './failure.js';
import { createProgram } from './program.js';
import { Terminal } from './terminal.js';

const terminal = new Terminal();
// How the last writes went shows only when everything else has ended.
process.once('exit', (code) => {
  if (code === EXIT.ok && terminal.incomplete) process.exitCode = EXIT.refused;
});
const program = createProgram(terminal);
try {
  await program.parseAsync();
  process.exitCode = terminal.exitCode;
} catch (error) {
  const { message, exitCode } = explain(error);
  if (message !== '') terminal.note(message);
  if (exitCode !== EXIT.ok && program.opts<{ debug?: boolean }>().debug) terminal.note(stacks(error));
  process.exitCode = exitCode;
}

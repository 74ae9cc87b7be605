#!/usr/bin/env node
import { run } from './command';

// A pipe has no width.
const { code, out, err } = run(process.argv.slice(2), undefined, process.stdout.columns);
// Whoever reads a pipe may have seen enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.stdout.write(out);
process.stderr.write(err);
process.exitCode = code;

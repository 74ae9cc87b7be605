#!/usr/bin/env node
import { run } from './command';

// A pipe has no width.
const { code, out, err } = run(process.argv.slice(2), undefined, process.stdout.columns);
process.stdout.write(out);
process.stderr.write(err);
process.exitCode = code;

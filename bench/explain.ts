/** `npm run bench:explain [-- --check]`: how fast requests are explained, by the compiled library. See `one-model.ts`. */
import { spawnSync } from 'child_process';
import { compiled, ROOT } from './compiled';

const program = [compiled('one-model'), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, program, { cwd: ROOT, stdio: 'inherit' }).status ?? 1;

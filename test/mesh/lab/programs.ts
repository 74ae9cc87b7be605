import { createHash } from 'crypto';
import * as fs from 'fs';
import * as path from 'path';
import { CACHE } from './binaries';

/** Programs that run as separate processes, and the modules that they import. */
const SOURCES = ['external-main', 'client-hello', 'grpc-client', 'websocket-client', 'raw-client', 'client'] as const;

/**
 * A program as JavaScript. Compiling TypeScript in each process takes half a second of CPU time, for every lab and
 * every gRPC call.
 */
export function program(name: (typeof SOURCES)[number]): string {
  const texts = SOURCES.map((source) => fs.readFileSync(path.join(__dirname, `${source}.ts`), 'utf8'));
  const key = createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16);
  const folder = path.join(CACHE, `js-${key}`);
  if (!fs.existsSync(folder)) compile(texts, folder);
  return path.join(folder, `${name}.js`);
}

function compile(texts: string[], folder: string): void {
  // Not at the top: it takes half a second to load, and is needed once.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const ts: typeof import('typescript') = require('typescript');
  fs.mkdirSync(CACHE, { recursive: true, mode: 0o755 });
  const making = fs.mkdtempSync(`${folder}.`);
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  texts.forEach((text, index) =>
    fs.writeFileSync(
      path.join(making, `${SOURCES[index]}.js`),
      ts.transpileModule(text, { compilerOptions }).outputText,
    ),
  );
  fs.chmodSync(making, 0o755);
  try {
    fs.renameSync(making, folder);
  } catch (error) {
    if (!fs.existsSync(folder)) throw error;
    fs.rmSync(making, { recursive: true }); // another run has just made the same
  }
}

import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { run } from '../../src/explain/command';

/** A folder with these files. */
export function folderOf(files: Record<string, string>): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-lint-'));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

/** Runs `lint` in a folder with these files. */
export function lintFiles(files: Record<string, string>, ...options: string[]) {
  const before = process.cwd();
  process.chdir(folderOf(files));
  try {
    return run(['lint', '.', ...options]);
  } finally {
    process.chdir(before);
  }
}

/** A DestinationRule whose certificate name is not verified, on line 9. */
export function unverified(name: string, metadata = ''): string {
  return [
    'apiVersion: networking.istio.io/v1',
    'kind: DestinationRule',
    `metadata: { name: ${name}, namespace: shop${metadata} }`,
    'spec:',
    `  host: ${name}.example.com`,
    '  exportTo: ["."]',
    '  trafficPolicy:',
    '    # The partner said so.',
    '    tls:',
    '      mode: SIMPLE',
    `      sni: ${name}.example.com`,
    '',
  ].join('\n');
}

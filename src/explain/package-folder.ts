import * as fs from 'fs';
import * as path from 'path';

/** The folder of this package: two above the sources, three above the compiled files. */
export function packageFolder(): string {
  const up = ['../..', '../../..'].map((one) => path.join(__dirname, one));
  return up.find((folder) => fs.existsSync(path.join(folder, 'package.json'))) ?? up[0];
}

/**
 * Rewrites every example's golden manifests and the diagram in its README: `npm run examples:update`. Review the
 * difference before committing it.
 */
import * as fs from 'fs';
import * as path from 'path';
import { diagram, examples, synthesise, withDiagram } from './examples';

function main() {
  for (const example of examples()) {
    const folder = path.join(example.folder, 'manifests');
    const manifests = synthesise(example);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder);
    for (const [name, text] of manifests) fs.writeFileSync(path.join(folder, name), text);
    const readme = path.join(example.folder, 'README.md');
    fs.writeFileSync(readme, withDiagram(fs.readFileSync(readme, 'utf8'), diagram(example, manifests)));
    console.log(`${example.name}: ${[...manifests.keys()].join(', ')}`);
  }
}

main();

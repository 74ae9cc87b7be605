import * as fs from 'fs';
import * as path from 'path';
import { diagram, examples, golden, withDiagram } from '../examples/examples';

test.each(examples().map((example) => [example.name, example] as const))(
  'the diagram of %s shows what the model says (npm run examples:update)',
  (_name, example) => {
    const readme = fs.readFileSync(path.join(example.folder, 'README.md'), 'utf8');
    expect(readme).toContain('```mermaid');
    expect(withDiagram(readme, diagram(example, golden(example)))).toBe(readme);
  },
);

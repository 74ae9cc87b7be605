import * as fs from 'fs';
import { specsModule, TARGET } from '../../crds/specs';

test('src/istio/specs.ts is what crds/istio.yaml says', () => {
  expect(fs.readFileSync(TARGET, 'utf8')).toBe(specsModule());
});

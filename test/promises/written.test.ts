import * as fs from 'fs';
import * as path from 'path';
import { App, Yaml } from 'cdk8s';
import { build, forAll } from './plans';
import { RENAMED } from '../../src/constructs/_emitted';

const bytes = (app: App) => app.charts.map(chart => Yaml.stringify(...chart.toJson()));

test('a manifest is what the imported class makes of the object', () => {
  forAll(plans => {
    const general = build(plans);
    general.resolvers.unshift({ resolve: () => undefined }); // With a resolver of somebody's, cdk8s itself writes every object.
    expect(bytes(build(plans))).toEqual(bytes(general));
  });
});

test('the fields that imported classes call otherwise are known', () => {
  const folder = path.join(__dirname, '../../imports');
  const code = fs.readdirSync(folder).map(file => fs.readFileSync(path.join(folder, file), 'utf8')).join('\n');
  const fields = [...code.matchAll(/'(\w+)': (?:toJson_\w+\()?obj\.(\w+)/g)];
  expect(fields.length).toBeGreaterThan(300);
  const otherwise = fields.filter(([, written, called]) => written !== called);
  expect(Object.fromEntries(otherwise.map(([, written, called]) => [called, written]))).toEqual(RENAMED);
});

test('a resolver of the app has its say, in the manifest and for the rules', () => {
  forAll(plans => {
    const app = build(plans);
    app.resolvers.unshift({ resolve: context => { if (context.value === 'MESH_EXTERNAL') context.replaceValue('MESH_INTERNAL'); } });
    const text = bytes(app).join('\n');
    expect(text).toContain('MESH_INTERNAL');
    expect(text).not.toContain('MESH_EXTERNAL');
  });
});

import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { headOf, itemsOf, documentsIn } from '../../src/reading/yaml-documents';
import { readAll, readManifests, ReadOptions } from '../../src/reading/read-manifests';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-read-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

function read(files: Record<string, string>, options?: ReadOptions) {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  const found = readManifests([root], options);
  const strip = (text: string) => text.replaceAll(root, '.');
  return {
    ids: found.objects.map(({ manifest }) => `${manifest.kind}/${manifest.metadata.name}`),
    objects: found.objects,
    problems: found.problems.map(({ text }) => strip(text)),
    notes: found.notes.map(strip),
    hasInput: found.hasInput,
  };
}

const service = (name: string) =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n`;
const CRD =
  'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: x }\nspec: [broken\n';

describe('documents that cannot affect a request', () => {
  test('are not parsed, so they may even be broken', () => {
    expect(read({ 'a.yaml': `${service('a')}---\n${CRD}---\n${service('b')}` })).toMatchObject({
      ids: ['Service/a', 'Service/b'],
      problems: [],
      notes: [],
    });
  });

  test('errors in the others name the line of the file', () => {
    expect(read({ 'a.yaml': `${service('a')}---\n${service('b')}  broken: [\n` }).problems).toEqual([
      expect.stringMatching(/^\.\/a\.yaml, document 2: invalid YAML, .*at line 10\b/),
    ]);
  });

  test('two objects without a separator are not taken for the one that cannot', () => {
    expect(read({ 'a.yaml': `${CRD.replace('[broken', '{}')}${service('a')}` }).problems).toHaveLength(1);
  });

  test('a field of a text is not taken for the kind', () => {
    const text = `${service('a')}note: |\n  kind: CustomResourceDefinition\n  ---\n`;
    expect(read({ 'a.yaml': text }).ids).toEqual(['Service/a']);
  });

  test('a workload of an unknown kind counts, its like without pods does not', () => {
    const rollout = (spec: string) =>
      `apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: { name: r, namespace: shop }\nspec:\n  ${spec}\n`;
    const pods = rollout('template:\n    spec:\n      containers: [{ name: a }]');
    expect(read({ 'a.yaml': pods }).ids).toEqual(['Rollout/r']);
    expect(read({ 'a.yaml': rollout('replicas: 1') })).toMatchObject({ ids: [], hasInput: true });
  });

  test('many of them make one note', () => {
    const widget = (kind: string, n: number) =>
      `apiVersion: example.com/v1\nkind: ${kind}\nmetadata: { name: w${n} }\n`;
    expect(read({ 'a.yaml': [widget('A', 1), widget('A', 2), widget('B', 1)].join('---\n') }).notes).toEqual([
      '3 objects are not part of the model and are left out: 2 A of example.com/v1 and 1 B of example.com/v1',
    ]);
  });

  test('each is named where that is asked for', () => {
    const deployment = 'apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  labels:\n    name: y\n  name: "w"\n';
    expect(read({ 'a.yaml': `${CRD}---\n${deployment}` }, { verbose: true }).notes).toEqual([
      './a.yaml, document 1: CustomResourceDefinition x is left out: its kind cannot affect a request',
      './a.yaml, document 2: Widget w is left out: example.com/v1 is not part of the model',
    ]);
  });

  test('of a ConfigMap the name counts, and all of it where it configures the mesh', () => {
    const map = (name: string, data: string) =>
      `apiVersion: v1\nkind: ConfigMap\ndata:\n  ${data}\nmetadata:\n  name: ${name}\n  namespace: istio-system\n`;
    const { objects } = read({
      'a.yaml': map('ca', 'ca.crt: "x"'),
      'b.yaml': map('istio', 'mesh: |\n    rootNamespace: mesh'),
    });
    expect(objects.map(({ manifest }) => [manifest.metadata.name, manifest.data])).toEqual([
      ['ca', undefined],
      ['istio', { mesh: 'rootNamespace: mesh\n' }],
    ]);
  });
});

describe('Lists', () => {
  const items = [service('a'), CRD, service('b')];
  const block = (indent: string) =>
    `apiVersion: v1\nitems:\n${items
      .map((item) =>
        item
          .trimEnd()
          .split('\n')
          .map((line, at) => `${indent}${at === 0 ? '- ' : '  '}${line}`)
          .join('\n'),
      )
      .join('\n')}\nkind: List\nmetadata:\n  resourceVersion: ""\n`;

  test.each(['', '  '])('are read item by item, indented by "%s"', (indent) => {
    const found = read({ 'a.yaml': block(indent) });
    expect(found).toMatchObject({ ids: ['Service/a', 'Service/b'], problems: [] });
    expect(found.objects[1].origin).toMatch(/a\.yaml, item 3$/);
  });

  test('in another style they are parsed as a whole', () => {
    expect(itemsOf({ text: 'kind: List\nitems: [{ kind: A }]\n', line: 1 })).toBeUndefined();
    expect(itemsOf({ text: 'items:\n- a: 1\n # deep\n  b: 2\nkind: List\n', line: 1 })).toBeUndefined();
  });

  test('in JSON they are read as well', () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } }],
    };
    expect(read({ 'a.json': JSON.stringify(list) }).ids).toEqual(['Service/a']);
  });
});

test('documents, their lines and their heads', () => {
  const documents = documentsIn(
    '# top\n---\nkind: "A"\napiVersion: v1 # one\n--- # more\nkind: {{ .kind }}\napiVersion: v1\n',
  )!;
  expect(documents.map(({ line }) => line)).toEqual([2, 5]);
  expect(documents.map(headOf)).toEqual([{ kind: 'A', apiVersion: 'v1' }, undefined]);
  expect(documentsIn('%YAML 1.2\n---\na: 1\n')).toBeUndefined();
  expect(documentsIn('a: 1\n...\nb: 2\n')).toBeUndefined();
});

describe('YAML as kubectl reads it', () => {
  const spec = (text: string) =>
    read({ 'a.yaml': `apiVersion: v1\nkind: Service\nmetadata: { name: a }\n${text}\n` }).objects.map(
      ({ manifest }) => manifest.spec,
    )[0];

  test('in version 1.1, with times as text', () => {
    expect(spec('spec: { a: yes, b: off, c: 0673, d: 7:23, e: 2026-01-01, f: 4_43, g: "no", h: 08080 }')).toEqual({
      a: true,
      b: false,
      c: 443,
      d: '7:23',
      e: '2026-01-01',
      f: 443,
      g: 'no',
      h: 8080,
    });
  });

  // What `sigs.k8s.io/yaml` makes of each.
  test.each<[string, unknown]>([
    ['.', '.'],
    ['-.', '-.'],
    ['e3', 'e3'],
    ['.e3', '.e3'],
    ['0_', 0],
    ['0x_', '0x_'],
    ['0X1F', 31],
    ['-0b11', -3],
    ['0o17', 15],
    ['0xFFFFFFFFFFFFFFFF', 2 ** 64],
    ['0x1FFFFFFFFFFFFFFFFF', '0x1FFFFFFFFFFFFFFFFF'],
    ['-0xFFFFFFFFFFFFFFFF', '-0xFFFFFFFFFFFFFFFF'],
    ['07777777777777777777777777', 7777777777777777777777777],
    ['1e400', '1e400'],
    ['1_0.5', 10.5],
    ['._', '._'],
    ['.5', 0.5],
    ['1.e+2', 100],
    ['1.5_', 1.5],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['!!int 010', 8],
    ['!!str 010', '010'],
  ])('%s is a number only if kubectl takes it for one', (written, value) => {
    expect(spec(`spec: { ? ${written} : [${written}] }`)).toEqual({ [String(value)]: [value] });
  });

  test('.inf cannot be applied', () => {
    expect(read({ 'a.yaml': `${service('a')}x: .inf\n` }).problems).toEqual([
      expect.stringMatching(/^\.\/a\.yaml: invalid YAML, \.inf cannot be written in JSON/),
    ]);
  });

  test('merges mappings', () => {
    expect(spec('x: &x { type: ClusterIP }\nspec: { <<: *x, clusterIP: None }')).toEqual({
      type: 'ClusterIP',
      clusterIP: 'None',
    });
  });

  test('an alias without an anchor in its document is a problem, not an internal error', () => {
    expect(read({ 'a.yaml': `${service('a')}x: &x shop\n---\n${service('b')}y: *x\n` })).toMatchObject({
      ids: ['Service/a'],
      problems: [expect.stringMatching(/^\.\/a\.yaml, document 2: invalid YAML, Unresolved alias/)],
    });
  });

  test.each([
    'kind: Service\nmetadata: &m { name: a, x: *m }\n',
    'kind: Service\nmetadata: { name: a, x: &x [{ y: *x }] }\n',
    'kind: List\nitems: &i [*i]\n',
  ])('what contains itself is a problem, not an internal error: %j', (text) => {
    expect(read({ 'a.yaml': `apiVersion: v1\n${text}`, 'b.yaml': service('b') })).toMatchObject({
      ids: ['Service/b'],
      problems: ['./a.yaml: invalid YAML, it contains itself'],
    });
  });

  test('an anchor with two aliases is read', () => {
    expect(spec('x: &x { type: ClusterIP }\nspec: { a: *x, b: [*x] }')).toEqual({
      a: { type: 'ClusterIP' },
      b: [{ type: 'ClusterIP' }],
    });
  });

  test('an alias may be in another item of a List than its anchor', () => {
    const item = (name: string, namespace: string) =>
      `- apiVersion: v1\n  kind: Service\n  metadata: { name: ${name}, namespace: ${namespace} }\n`;
    const list = (alias: string) =>
      `apiVersion: v1\nkind: List\nitems:\n${item('a', '&ns shop')}${item('b', `shop, x: ${alias}`)}`;
    for (const alias of ['*ns', '[*ns]', '{ y: [z,*ns] }', '\n    *ns'])
      expect(read({ 'a.yaml': list(alias) })).toMatchObject({ ids: ['Service/a', 'Service/b'], problems: [] });
  });

  test('an alias in the metadata of a ConfigMap may have its anchor elsewhere', () => {
    const map = 'apiVersion: v1\nkind: ConfigMap\ndata: { a: &x shop }\nmetadata: { name: a, namespace: *x }\n';
    expect(read({ 'a.yaml': map })).toMatchObject({ ids: ['ConfigMap/a'], problems: [] });
  });

  test('the items of a list of one kind need not say what they are', () => {
    const list = 'apiVersion: v1\nkind: ServiceList\nitems: [{ metadata: { name: a, namespace: shop } }]\n';
    expect(read({ 'a.yaml': list }).ids).toEqual(['Service/a']);
  });
});

test('an object of Istio with an expression in quotes is a Helm template, one of Lua is not', () => {
  const object = (kind: string, field: string) =>
    `apiVersion: networking.istio.io/v1alpha3\nkind: ${kind}\nmetadata: { name: a, namespace: shop }\nspec: ${field}\n`;
  expect(
    read({
      'a.yaml': object('ServiceEntry', '{ hosts: ["{{ .Values.host }}"] }'),
      'b.yaml': object('EnvoyFilter', '{ x: "return {{1}}" }'),
    }),
  ).toMatchObject({ ids: ['EnvoyFilter/a'], problems: [expect.stringMatching(/^\.\/a\.yaml: a Helm template/)] });
});

test.each([
  ['Hello {{ user }}', true],
  ['page of {{name}}', true],
  ['{{ .Name }}', true],
  ['{{ .Values.text }}', false],
  ['{{- include \\"text\\" . }}', false],
])('text of a route such as "%s" is what Istio gets, unless only Helm knows it', (text, isText) => {
  const route = (fields: string, annotation = 'none') =>
    'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: a\n  namespace: shop\n' +
    `  annotations: { note: "${annotation}", name: "${annotation}" }\n` +
    `spec:\n  hosts: [a.example.com]\n  http:\n  - ${fields}\n`;
  for (const object of [
    route(`directResponse: { status: 200, body: { string: "${text}" } }`),
    route(`headers: { request: { set: { x-user: "${text}" } } }`),
    route(`match: [{ headers: { x-user: { exact: "${text}" } } }]`),
    route('directResponse: { status: 200 }', text),
  ])
    expect(read({ 'a.yaml': object }).ids).toEqual(isText ? ['VirtualService/a'] : []);
  expect(read({ 'a.yaml': route(`match: [{ uri: { exact: "${text}" } }]`) }).ids).toEqual([]);
  expect(read({ 'a.yaml': route(`headers: { request: { set: { x-user: {{ .user }} } } }`) }).ids).toEqual([]);
});

describe('kustomizations', () => {
  test('one that only lists is left out', () => {
    expect(read({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': service('a') })).toMatchObject({
      ids: ['Service/a'],
      problems: [],
      notes: ['./kustomization.yaml: a kustomization that only lists files, left out'],
    });
  });

  test('one that leaves out a file with objects does not say what will be applied', () => {
    expect(
      read({
        'base/kustomization.yaml': 'resources: [a.yaml]\n',
        'base/a.yaml': service('a'),
        'base/b.yaml': service('b'),
        'base/values.yaml': 'kind: x\n',
        'kustomization.yaml': 'resources: [base, base/b.yaml]\n',
        'c.yaml': service('c'),
      }).problems,
    ).toEqual([
      expect.stringMatching(/^\.\/kustomization\.yaml: a kustomization that does not list c\.yaml: build it/),
    ]);
  });

  test('one may leave out what cannot affect a request', () => {
    const skaffold = 'apiVersion: skaffold/v4beta6\nkind: Config\nmetadata: { name: shop }\n';
    const problems = (others: Record<string, string>) =>
      read({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': service('a'), ...others }).problems;
    expect(problems({ 'skaffold.yaml': skaffold, 'crd.yaml': CRD })).toEqual([]);
    expect(problems({ 'skaffold.yaml': `${skaffold}---\n${service('b')}` })).toHaveLength(1);
    expect(problems({ 'skaffold.yaml': 'apiVersion: v1\nkind: {{ .kind }}\n' })).toHaveLength(2);
    expect(problems({ 'skaffold.yaml': `%YAML 1.1\n---\n${service('b')}` })).toHaveLength(1);
  });

  test.each([
    ['namespace: shop', 'namespace: shop'],
    ['namePrefix: x-', 'namePrefix'],
    ['patches: [{ path: patch.yaml }]', 'patches'],
    ['patchesStrategicMerge: [patch.yaml]', 'patchesStrategicMerge'],
    ['helmCharts: [{ name: x }]', 'helmCharts'],
  ])('one with %s must be built first, and its patches are not objects', (text, what) => {
    const found = read({
      'overlay/kustomization.yml': `kind: Kustomization\nresources: [a.yaml]\n${text}\n`,
      'overlay/a.yaml': service('a'),
      ...(text.includes('patch') && { 'overlay/patch.yaml': service('patch') }),
    });
    expect(found.ids).toEqual(['Service/a']);
    expect(found.problems).toEqual([
      './overlay/kustomization.yml: a kustomization that changes what it lists ' +
        `(${what}): build it first, such as kubectl kustomize ./overlay | cdk8s-istio-egress explain - …`,
    ]);
  });
});

test('an empty folder declares nothing', () => {
  expect(read({})).toMatchObject({ ids: [], problems: [], hasInput: true });
});

test('25 MB in 1,100 files, as a monorepo of operators has them, take at most three seconds', () => {
  const property = (n: number) =>
    `                field${n}:\n                  description: What field ${n} of the schema means to the operator.\n` +
    '                  type: object\n                  x-kubernetes-preserve-unknown-fields: true\n';
  const crd = (n: number) =>
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n' +
    `  name: widgets${n}.example.com\nspec:\n  versions:\n    - name: v1\n      schema:\n        openAPIV3Schema:\n` +
    `          properties:\n            spec:\n              properties:\n${Array.from({ length: 460 }, (_, at) => property(at)).join('')}`;
  const dashboard = (n: number) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: dashboard-${n}\n  namespace: monitoring\ndata:\n  board.json: |\n` +
    '    { "panels": [{ "type": "graph", "title": "requests", "targets": [{ "expr": "rate(x[1m])" }] }] }\n'.repeat(
      600,
    );
  const deployment = (n: number) =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-${n}\n  namespace: shop\nspec:\n  template:\n` +
    `    metadata:\n      labels:\n        app: app-${n}\n    spec:\n      containers:\n        - name: app\n          env:\n` +
    '            - name: SETTING\n              value: "1"\n'.repeat(12);
  let bytes = 0;
  for (let n = 0; n < 1100; n++) {
    const text =
      n % 11 === 0
        ? dashboard(n)
        : n % 11 < 3
          ? crd(n)
          : n % 11 < 8
            ? `${service(`s${n}`)}---\n${deployment(n)}`
            : service(`t${n}`);
    bytes += text.length;
    fs.mkdirSync(path.join(root, `team-${n % 50}`), { recursive: true });
    fs.writeFileSync(path.join(root, `team-${n % 50}`, `${n}.yaml`), text);
  }
  expect(bytes).toBeGreaterThan(25e6);
  const before = process.cpuUsage();
  const { objects, problems } = readManifests([root]);
  const { user, system } = process.cpuUsage(before);
  expect({ objects: objects.length, problems }).toEqual({ objects: 1400, problems: [] });
  expect((user + system) / 1e6).toBeLessThan(3);
});

test('a text with template expressions is not YAML, even where it can be parsed', () => {
  const object = (name: string, host: string) =>
    `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: ${name}, namespace: shop }\n` +
    `spec:\n  hosts:\n  - ${host}\n`;
  for (const template of [object('"a-{{$i}}"', 'a.example.com'), object('a', '{{ .Host | default "a" }}')])
    expect(read({ 'a.yaml': template }).ids).toEqual([]);
  expect(read({ 'a.yaml': object('a', 'a.example.com # not {{ .Host }}') }).ids).toEqual(['ServiceEntry/a']);
});

test('what istioctl reads needs no name, and two files are never one object', () => {
  const operator = (metadata: string) =>
    `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n${metadata}spec: { profile: demo }\n`;
  const named = operator('metadata: { name: demo }\n');
  const { objects, problems, hasInput } = read({ 'a.yaml': operator(''), 'b.yaml': named, 'c.yaml': named });
  expect([objects.length, problems, hasInput]).toEqual([3, [], true]);
  expect(readAll([root])).toMatchObject({ assumptions: [], warnings: [] });
});

describe('an object that lacks a namespace', () => {
  const namespaces = (options?: Parameters<typeof readAll>[1]) => {
    fs.writeFileSync(path.join(root, 'a.yaml'), service('a').replace(', namespace: shop', ''));
    const { objects, assumptions, notes } = readAll([root], options);
    return { of: objects.map(({ manifest }) => manifest.metadata.namespace), assumptions: assumptions.length, notes };
  };

  test('goes to the one that is given, else to default, which is said', () => {
    expect(namespaces({ namespace: 'web' })).toEqual({ of: ['web'], assumptions: 0, notes: [] });
    expect(namespaces()).toEqual({ of: ['default'], assumptions: 1, notes: [] });
  });

  test('stays as it is written for whoever must not rest on what is assumed, which is said too', () => {
    expect(namespaces({ objectsOnly: true })).toEqual({ of: [undefined], assumptions: 1, notes: [] });
    expect(namespaces({ objectsOnly: true, namespace: 'web' })).toMatchObject({ of: ['web'], assumptions: 0 });
  });
});

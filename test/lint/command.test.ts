import { folderOf, lintFiles, unverified } from './support';
import { run } from '../../src/explain/command';

const SECOND = `---\n# a note\n${unverified('b')}`;

describe('lint', () => {
  test('names file, line, severity, code and field, and says what to write', () => {
    expect(lintFiles({ 'a.yaml': `${unverified('a')}${SECOND}` })).toEqual({
      code: 1,
      err: '',
      out: `a.yaml:9: error unverified-name (spec.trafficPolicy.tls)
  DestinationRule shop/a [a.yaml:1] sends SNI "a.example.com" to a.example.com and accepts a certificate for any name.
  Add the host to subjectAltNames.

a.yaml:22: error unverified-name (spec.trafficPolicy.tls)
  DestinationRule shop/b [a.yaml:14] sends SNI "b.example.com" to b.example.com and accepts a certificate for any name.
  Add the host to subjectAltNames.

2 errors in 2 objects in 1 file
Why, with a good and a bad example: npx cdk8s-istio-egress rules unverified-name
`,
    });
  });

  test('a List, as kubectl prints it, on standard input', () => {
    const item = unverified('a')
      .trimEnd()
      .split('\n')
      .map((line, at) => `${at === 0 ? '- ' : '  '}${line}`)
      .join('\n');
    const text = `apiVersion: v1\nitems:\n${item}\nkind: List\n`;
    expect(run(['lint', '-'], () => text).out).toMatch(/^standard input:11: error unverified-name/);
    const json = JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [rule('a'), rule('b')] }, null, 1);
    const { out } = run(['lint', '-'], () => json);
    expect(out).toContain('[standard input, item 2]');
    expect(out).toMatch(
      new RegExp(`^standard input:${json.split('\n').findIndex((one) => one.includes('tls')) + 1}: `),
    );
  });

  test.each([
    ['error', 1],
    ['warning', 1],
    ['info', 1],
    ['never', 0],
  ])('--fail-on %s ends with %d where there is an error', (severity, code) => {
    expect(lintFiles({ 'a.yaml': unverified('a') }, '--fail-on', severity).code).toBe(code);
  });

  test('a warning ends with 1 only where it is asked for', () => {
    const files = { 'a.yaml': tcp('a') };
    expect(lintFiles(files)).toMatchObject({ code: 0, out: expect.stringContaining('1 warning in 1 object') });
    expect(lintFiles(files, '--fail-on', 'warning').code).toBe(1);
  });

  test('an object that the API server rejects is a finding, and the others are still judged', () => {
    const broken = unverified('b').replace('SIMPLE', 'SIMPEL');
    const { code, out } = lintFiles({ 'a.yaml': unverified('a'), 'b.yaml': broken });
    expect(code).toBe(1);
    expect(out).toMatch(/^b\.yaml:10: error rejected-object \(spec\.trafficPolicy\.tls\.mode\)/m);
    expect(out).toMatch(/2 errors in 2 objects/);
  });

  test('broken YAML ends with 2 if it may hold objects, and is passed over if it cannot', () => {
    expect(lintFiles({ 'a.yaml': 'kind: Gateway\napiVersion: networking.istio.io/v1\nspec: [\n' })).toMatchObject({
      code: 2,
      out: expect.stringContaining('not read: a.yaml: invalid YAML'),
    });
    expect(lintFiles({ 'a.yaml': tcp('a'), 'mkdocs.yml': 'theme: !!python/name [\n' }).code).toBe(0);
  });

  test('what must be built first is named once for each chart or kustomization, with the command', () => {
    const template = `${tcp('a')}  # {{ .Values.x }}\nx: {{ .y }}\n`;
    const { code, out } = lintFiles({
      'charts/shop/templates/a.yaml': template,
      'charts/shop/templates/b.yaml': template,
      'overlay/kustomization.yaml': 'namePrefix: x-\nresources: [a.yaml]\n',
      'overlay/a.yaml': tcp('c'),
    });
    expect(code).toBe(0);
    expect(out).toMatch(
      /charts\/shop: 2 Helm templates; .*helm template .*charts\/shop \| npx cdk8s-istio-egress lint -\n/,
    );
    expect(out).toMatch(
      /overlay\/kustomization\.yaml: .*kubectl kustomize .*overlay \| npx cdk8s-istio-egress lint -\n/,
    );
    expect(lintFiles({ 'charts/shop/templates/a.yaml': template }).code).toBe(2);
    const unread = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: shop }\n';
    expect(lintFiles({ 'charts/shop/templates/a.yaml': template, 'a.yaml': unread }).code).toBe(2);
  });

  test('nothing to judge is said, not passed', () => {
    // A folder that was named by mistake must not pass for ever.
    expect(lintFiles({})).toMatchObject({ code: 3, out: '', err: expect.stringMatching(/nothing could be read/) });
    expect(lintFiles({ 'readme.md': '' }).code).toBe(3);
    expect(lintFiles({ 'a.yaml': 'a: 1\n' })).toMatchObject({ code: 3, err: /nothing could be read/ });
    expect(run(['lint', '/no/such']).code).toBe(2);
  });

  test.each([
    [[], /name the files or folders/],
    [['.', '--output', 'xml'], /--output is text, json, sarif, github, gitlab or baseline, not "xml"/],
    [['.', '--fail-on', 'all'], /--fail-on is error, warning, info or never, not "all"/],
    [['/no/such', '--baseline', '/no/such'], /no such file; --output baseline writes one/],
  ])('wrong usage: %p', (args, message) => {
    expect(run(['lint', ...args])).toMatchObject({ code: 3, err: expect.stringMatching(message) });
  });
});

test('of many findings alike in the same files, text shows the first two in full, and errors always', () => {
  const [capture, wrong] = [/warning tcp-port-capture/g, /error unverified-name/g];
  const db = (at: number) =>
    'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: db-' +
    `${at}, namespace: shop }\nspec: { hosts: [db-${at}.example.com], exportTo: ["."], resolution: DNS, ports: ` +
    `[{ number: ${5432 + at}, name: tcp, protocol: TCP }] }\n---\n`;
  const file = (count: number) => ({
    'a.yaml': Array.from({ length: count }, (_, at) => db(at) + `${unverified(`u-${at}`)}---\n`).join(''),
  });
  const { out } = lintFiles(file(5));
  expect(out.match(capture)).toHaveLength(2);
  expect(out.match(wrong)).toHaveLength(5);
  expect(out).toMatch(/^a\.yaml: 3 more of tcp-port-capture, on lines \d+, \d+ and \d+; --output json shows all$/m);
  expect(out).toContain('5 errors, 5 warnings');
  expect(lintFiles(file(3)).out.match(capture)).toHaveLength(3);
});

describe('variants in one repository', () => {
  test('are judged by themselves where an object is defined twice', () => {
    const { out } = lintFiles({ 'dev/a.yaml': tcp('a'), 'dev/b.yaml': tcp('b'), 'prod/a.yaml': tcp('a') });
    expect(out).toContain('ServiceEntry a is in dev/a.yaml:1 and in prod/a.yaml:1, so each folder is judged by itself');
    expect(out.match(/including those for/g)).toHaveLength(1);
    expect(out).not.toContain('duplicate-object');
  });

  test('are one world otherwise', () => {
    const { out } = lintFiles({ 'team-a/a.yaml': tcp('a'), 'team-b/b.yaml': tcp('b') });
    expect(out).toMatch(/team-a.*including those for .*team-b/);
  });

  describe('with other names', () => {
    const object = (kind: string, name: string, spec: string) =>
      `---\napiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: shop }\nspec: ${spec}\n`;
    const entry = (name: string, port: string, hosts = 'a.example.com, b.example.com') =>
      object('ServiceEntry', name, `{ hosts: [${hosts}], resolution: DNS, ports: [{ ${port} }] }`);
    const settings = (name: string) => object('DestinationRule', name, '{ host: a.example.com, exportTo: ["."] }');
    const [http, tls] = ['number: 80, name: p, protocol: HTTP', 'number: 80, name: p, protocol: TLS'];
    const files = {
      'app/one/a.yaml': entry('a', http) + settings('a'),
      'app/two/b.yaml': entry('b', tls) + settings('b'),
    };

    test('conflict nowhere', () => {
      const { out } = lintFiles(files);
      expect(out).not.toContain('service-entry-conflict');
      expect(out).toMatch(
        /app.one and app.two route the same hosts.*: 2 findings between them left out.*: lint app.one app.two/,
      );
    });

    test('are judged together if they are named', () => {
      const before = process.cwd();
      process.chdir(folderOf(files));
      try {
        expect(run(['lint', 'app/one/', './app/two']).out).toContain('service-entry-conflict');
        expect(run(['lint', 'app']).out).not.toContain('service-entry-conflict');
      } finally {
        process.chdir(before);
      }
    });

    test.each([
      [
        'one host is not enough, which two teams may share',
        {
          'app/one/a.yaml': entry('a', http, 'a.example.com') + settings('a'),
          'app/two/b.yaml': entry('b', tls, 'a.example.com') + settings('b'),
        },
      ],
      ['one declares more than the other', { 'app/two/c.yaml': tcp('c') }],
      ['a folder that routes something else as well', { 'app/one/c.yaml': tcp('c'), 'app/two/d.yaml': tcp('d') }],
      ['one folder inside the other', { 'app/two/b.yaml': '', 'app/one/more/b.yaml': files['app/two/b.yaml'] }],
    ])('are not alternatives: %s', (_what, changed) => {
      expect(lintFiles({ ...files, ...changed }).out).toContain('service-entry-conflict');
    });

    test('nor with a namespace of its own each', () => {
      const other = files['app/two/b.yaml'].replaceAll('namespace: shop', 'namespace: web');
      expect(lintFiles({ ...files, 'app/two/b.yaml': other }).out).not.toContain('left out');
    });
  });

  test('in one folder are told apart by file', () => {
    const { out } = lintFiles({ 'a/one.yaml': tcp('a'), 'a/two.yaml': `${tcp('a')}---\n${tcp('b')}` });
    expect(out).toMatch(/a\/two.yaml:\d+: error tcp-port-capture/);
    expect(out).toMatch(/a\/one.yaml:\d+: warning tcp-port-capture/);
  });

  describe('that are files of one folder', () => {
    const subsets = (...names: string[]) =>
      settings('site', `, subsets: [${names.map((name) => `{ name: ${name} }`)}]`);
    const route = (subset: string) =>
      `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: site, namespace: shop }\nspec:\n` +
      `  hosts: [site.example.com]\n  exportTo: ["."]\n` +
      `  http:\n    - route:\n        - destination: { host: site.example.com, subset: ${subset} }\n`;
    const settings = (name: string, more = '') =>
      `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: ${name}, namespace: shop }\n` +
      `spec: { host: site.example.com, exportTo: ["."]${more} }\n`;

    test('are judged with the rest of the folder, which a note says, and are a finding', () => {
      const { code, out } = lintFiles({
        'k/a.yaml': route('v1'),
        'k/b.yaml': route('v3'),
        'k/rule.yaml': subsets('v1'),
      });
      expect(code).toBe(1);
      expect(out).toMatch(/^k\/b\.yaml:\d+: error missing-subset/m);
      expect(out).toMatch(/^k\/a\.yaml:3: warning duplicate-object .*\n.*\[k\/a\.yaml:1\] and .*\[k\/b\.yaml:1\]/m);
      expect(out).toMatch(
        /note: k: VirtualService site is in k\/a\.yaml and k\/b\.yaml, so each of these files is judged/,
      );
      expect(out).toMatch(/1 error, 1 warning in 3 objects/);
    });

    test('have no findings between each other, and share those of the rest', () => {
      const { out } = lintFiles({
        'k/a.yaml': `${tcp('a')}---\n${tcp('one')}`,
        'k/b.yaml': `${tcp('a')}---\n${tcp('two')}`,
        'k/rest.yaml': unverified('c'),
      });
      expect(out).not.toMatch(/shop\/one.*shop\/two/);
      expect(out.match(/unverified-name \(/g)).toHaveLength(1);
    });

    test('of several objects are complete sets', () => {
      // Of the third route there is no rule of its own; it must not lack one therefore.
      const variants = { 'a.yaml': route('v1'), 'b.yaml': route('v1'), 'c.yaml': route('v1') };
      const rules = { 'x.yaml': subsets('v1'), 'y.yaml': subsets('v1') + '# the same\n', 'z.yaml': settings('rest') };
      expect(lintFiles({ ...variants, ...rules }).out).not.toContain('missing-subset');
    });

    test('too many are judged alone beyond the first, and every file in some set', () => {
      const names = Array.from({ length: 40 }, (_, at) => `k/${at}.yaml`);
      const { out } = lintFiles(Object.fromEntries(names.map((name) => [name, unverifiedNamed('a', name)])));
      expect(out.match(/error unverified-name/g)).toHaveLength(40);
      expect(out).toMatch(/and 36 more files, .* as far as they are among the first 16/);
    });

    test('have no finding that rests on which variants of two objects meet, which a note says', () => {
      const rules = { 'x.yaml': subsets('v1'), 'y.yaml': subsets('v2') };
      const { out } = lintFiles({ 'a.yaml': route('v1'), 'b.yaml': route('v1'), 'c.yaml': route('v2'), ...rules });
      expect(out).not.toContain('missing-subset');
      expect(out).toMatch(/2 findings that rest on files that .* \(\w\.yaml and \w\.yaml\) are left out/);
    });

    test('have no finding that another object has beside one of them only', () => {
      const rules = { 'x.yaml': subsets('v1'), 'y.yaml': subsets('v2') };
      expect(lintFiles({ 'route.yaml': route('v1'), ...rules }).out).toMatch(
        /a finding that rests on .*y\.yaml\) is left/,
      );
      expect(lintFiles({ 'route.yaml': route('v3'), ...rules }).out).toMatch(/^route\.yaml:\d+: error missing-subset/m);
    });

    test('are said once where another file has the same with each of them', () => {
      const other = route('v1').replace('name: site', 'name: a-other');
      const { out } = lintFiles({ 'a.yaml': route('v1'), 'b.yaml': route('v1'), 'other.yaml': other });
      expect(out.match(/mesh-route-conflict \(/g)).toHaveLength(1);
    });

    test('are no finding where a kustomization decides which are applied', () => {
      const files = { 'k/a.yaml': route('v1'), 'k/b.yaml': route('v3'), 'k/rule.yaml': subsets('v1') };
      const { out } = lintFiles({ ...files, 'k/kustomization.yaml': 'namePrefix: x-\nresources: [a.yaml]\n' });
      expect(out).toContain('missing-subset');
      expect(out).not.toContain('warning duplicate-object');
    });

    test('leave other folders together', () => {
      const { out } = lintFiles({ 'k/a.yaml': route('v1'), 'k/b.yaml': route('v3'), 'rules/a.yaml': subsets('v1') });
      expect(out).toMatch(/b\.yaml:\d+: error missing-subset/);
    });
  });

  test.each([
    ['ConfigMap', 'v1', ''],
    ['ClusterRoleBinding', 'rbac.authorization.k8s.io/v1', ''],
    ['EnvoyFilter', 'networking.istio.io/v1alpha3', ', namespace: shop'],
  ])('do not show in two of a %s, which no rule reads', (kind, version, more) => {
    const same = `---\napiVersion: ${version}\nkind: ${kind}\nmetadata: { name: same${more} }\n`;
    const { out } = lintFiles({ 'one/a.yaml': `${tcp('a')}${same}`, 'two/b.yaml': `${tcp('b')}${same}` });
    expect(out).toMatch(/one.a.*including those for .*two.b/);
    expect(out).not.toMatch(/judged by itself|duplicate-object/);
    expect(out).toMatch(/in 2 objects in 2 files; no rule reads 2 others\n/);
    expect(lintFiles({ 'k/a.yaml': same, 'k/b.yaml': same }).out).toContain('warning duplicate-object');
  });

  test('twice in one file is a finding', () => {
    expect(lintFiles({ 'a.yaml': `${tcp('a')}---\n${tcp('a')}` }).out).toContain('duplicate-object');
  });
});

describe('rules', () => {
  test('are listed with their severity', () => {
    expect(run(['rules']).out).toMatch(/^unverified-name +error +TLS origination/m);
    expect(run(['rules']).out).toMatch(/^rejected-object +error/m);
  });

  test('one is explained, with cure and examples', () => {
    const { out } = run(['rules', 'unverified-name']);
    for (const part of ['Why: If `sni`', 'Instead: Add the host', 'Good:\n\napiVersion', 'Bad:\n\napiVersion'])
      expect(out).toContain(part);
  });

  test('a misspelt one gets the right one', () => {
    expect(run(['rules', 'unverified-names'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('did you mean unverified-name?'),
    });
  });
});

function rule(name: string) {
  const tls = { mode: 'SIMPLE', sni: `${name}.example.com` };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name, namespace: 'shop' },
    spec: { host: `${name}.example.com`, trafficPolicy: { tls } },
  };
}

function unverifiedNamed(name: string, label: string): string {
  return unverified(name, `, labels: { file: "${label}" }`);
}

function tcp(name: string): string {
  return (
    `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: ${name}, namespace: shop }\nspec:\n` +
    `  hosts: [${name}.example.com]\n  resolution: DNS\n  ports: [{ number: 5432, name: tcp, protocol: TCP }]\n`
  );
}

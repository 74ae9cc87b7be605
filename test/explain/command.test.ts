import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { run as runCommand } from '../../src/explain/command';

/** In lines of any length. */
const run = (args: readonly string[], standardInput?: () => string) => runCommand(args, standardInput, Infinity);
const EXAMPLES = path.join(__dirname, '../../examples');
const manifests = (example: string) => path.join(EXAMPLES, example, 'manifests');
const gateway = manifests('e-http-through-gateway');
/** These manifests do not install their gateway. */
const INSTALLED = ['--gateway', 'egress/istio-egressgateway'];

/** A folder with these files. */
function folder(files: Record<string, string>): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-explain-'));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(made, name), text);
  return made;
}

const entry = (name: string, more = '') => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${name}.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]${more}
`;

describe('explain', () => {
  test('an answered request ends with 0; the output says the egress path and which object decided each step', () => {
    const { code, out } = run([
      ...['explain', gateway, '--from', 'shop/checkout', '--to', 'http://www.aliyun.com/orders'],
      ...INSTALLED,
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/^200 from www\.aliyun\.com, through egress\//);
    expect(out).toMatch(/1 application +shop\/checkout/);
    expect(out).toMatch(/2 sidecar .*\n *VirtualService shop\/.* http\[0\]\.match\[0\]/);
    expect(out).toMatch(/Gateway egress\/.* servers\[0\]\.tls\.subjectAltNames/);
    expect(out).toMatch(/4 host +www\.aliyun\.com:80/);
  });

  test('--istio decides where releases differ in what they admit', () => {
    const sidecar = `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: shop }
spec: { egress: [{ hosts: ['*/*', '~other/*'] }] }
`;
    const made = folder({ 'entry.yaml': entry('site'), 'sidecar.yaml': sidecar, 'mesh.yaml': 'rootNamespace: x' });
    const code = (...more: string[]) =>
      run([
        ...['explain', path.join(made, 'entry.yaml'), path.join(made, 'sidecar.yaml'), '--from', 'shop/cart'],
        ...['--to', 'https://site.example.com/', '--mesh', path.join(made, 'mesh.yaml'), ...more],
      ]);
    expect([code().code, code('--istio', '1.31').code, code('--istio', '1.30.2').code]).toEqual([2, 0, 2]);
    expect(code('--istio', '1.30.2').err).toMatch(/needs Istio 1\.31/);
    for (const wrong of ['1.29', 'new', '2.0'])
      expect(code('--istio', wrong)).toMatchObject({
        code: 3,
        err: expect.stringMatching(/--istio is 1\.30 or a later/),
      });
  });

  test('a refused request ends with 1; the output names file and document, and proposes a change that helps', () => {
    const { code, out } = run([
      ...['explain', gateway, '--from', 'shop/crawler', '--to', 'http://www.aliyun.com/'],
      ...INSTALLED,
    ]);
    expect(code).toBe(1);
    expect(out).toMatch(/refused by the gateway: 503/);
    expect(out).toMatch(/shop\.k8s\.yaml, document \d+\]/);
    expect(out).toMatch(
      /add "spiffe:\/\/cluster\.local\/ns\/shop\/sa\/crawler" to spec\.servers\[0\]\.tls\.subjectAltNames\n +then: 200/,
    );
    expect(out).toMatch(/looks like an outage/);
  });

  test('another host than the one that was asked for ends with 1, and the first line names it', () => {
    const database = (name: string, created: string) =>
      entry(name)
        .replace('443, name: tls, protocol: TLS', '5432, name: tcp, protocol: TCP')
        .replace('metadata: {', `metadata: { creationTimestamp: ${created},`);
    const older = database('first', '2026-01-01T00:00:00Z');
    const made = folder({ 'all.yaml': `${older}---\n${database('second', '2026-01-02T00:00:00Z')}` });
    const mesh = path.join(folder({ 'mesh.yaml': 'outboundTrafficPolicy: { mode: ALLOW_ANY }\n' }), 'mesh.yaml');
    const to = (host: string, ...more: string[]) =>
      run(['explain', made, '--from', 'shop/app', '--to', `tcp://${host}.example.com:5432`, ...more]);
    expect(to('first').code).toBe(0);
    expect(to('second', '--mesh', mesh)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^answered by first\.example\.com instead of second\.example\.com/),
    });
    // A sidecar that answers DNS gives each host an address of its own.
    expect(to('second')).toMatchObject({
      code: 2,
      out: expect.stringMatching(/^if sidecars do not answer DNS \(dnsCapture\): answered by first/),
    });
  });

  test('findings are those of the objects that decided, and not of others whose names begin alike', () => {
    const asHttp = (name: string) => entry(name).replace('tls, protocol: TLS', 'http, protocol: HTTP');
    const explained = (files: Record<string, string>) =>
      run(['explain', folder(files), '--from', 'shop/app', '--to', 'https://site.example.com/']).out;
    expect(explained({ 'a.yaml': asHttp('site') })).toMatch(/tls-port-as-http/);
    expect(explained({ 'a.yaml': `${entry('site')}---\n${asHttp('site-other')}` })).not.toMatch(/tls-port-as-http/);
  });

  test('another egress path than --via ends with 1, and the first line says so', () => {
    const args = ['explain', manifests('c-http-and-https'), '--from', 'shop/sleep', '--to', 'https://hbchen.com/'];
    expect(run(args).code).toBe(0);
    expect(run([...args, '--via', 'gateway'])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^not via gateway: 200 from hbchen\.com, through the sidecar/),
    });
    expect(run([...args, '--via', 'sidecar']).code).toBe(0);
  });

  test('an object that the model does not know ends with 2 and is named', () => {
    const filter =
      'apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: { name: patch, namespace: shop ' +
      '}\nspec: { configPatches: [{ applyTo: CLUSTER, patch: { operation: MERGE } }] }\n';
    const { code, out } = run([
      'explain',
      gateway,
      folder({ 'filter.yaml': filter }),
      '--from',
      'shop/checkout',
      '--to',
      'http://www.aliyun.com/',
    ]);
    expect(code).toBe(2);
    expect(out).toMatch(/undetermined: EnvoyFilter shop\/patch/);
  });

  test('JSON uses the words of the access table', () => {
    const { out } = run([
      'explain',
      gateway,
      '--from',
      'shop/crawler',
      '--to',
      'https://www.aliyun.com/',
      '--output',
      'json',
    ]);
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'refused',
      symptom: 'tls-closed',
      by: 'gateway',
      via: 'gateway',
      plaintextToHost: false,
      change: { then: expect.stringContaining('200') },
    });
    expect(JSON.parse(out).steps[0]).toMatchObject({ hop: 'application' });
  });

  test('Mermaid draws the egress path', () => {
    const { out } = run([
      'explain',
      gateway,
      '--from',
      'shop/checkout',
      '--to',
      'http://www.aliyun.com/',
      '--output',
      'mermaid',
    ]);
    expect(out).toMatch(/^flowchart LR\n/);
    expect(out).toMatch(/== "mutual TLS, caller known" ==>/);
  });

  test("the mesh's settings come from a MeshConfig, a ConfigMap or Helm values", () => {
    const files = folder({
      'mesh.yaml': 'outboundTrafficPolicy: { mode: REGISTRY_ONLY }\n',
      'map.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio }\ndata: { mesh: "outboundTrafficPolicy: { ' +
        'mode: REGISTRY_ONLY }" }\n',
      'values.yaml': 'meshConfig: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }\n',
    });
    const ask = (...more: string[]) =>
      run(['explain', gateway, '--from', 'other/x', '--to', 'https://nowhere.example.com/', ...more]);
    expect(ask().out).toMatch(/let through/);
    for (const name of ['mesh', 'map', 'values'])
      expect(ask('--mesh', path.join(files, `${name}.yaml`)).out).toMatch(/refused by the sidecar/);
  });

  test.each([
    [
      'outboundTraficPolicy: { mode: REGISTRY_ONLY }',
      /"outboundTraficPolicy" is not a field of MeshConfig; write outboundTrafficPolicy/,
    ],
    ['outboundTrafficPolicy: { mode: REGISTRY }', /"mode":"REGISTRY"\} is not allowed/],
    ['', /empty, not a mesh configuration/],
    ['apiVersion: v1\nkind: Service\n', /a Service is not a mesh configuration/],
  ])('a mesh configuration %j is refused', (text, why) => {
    const file = path.join(folder({ 'mesh.yaml': text }), 'mesh.yaml');
    expect(run(['explain', gateway, '--from', 'a/b', '--to', 'http://a.io', '--mesh', file])).toMatchObject({
      code: 3,
      err: expect.stringMatching(why),
    });
  });

  test('the mesh configuration among the manifests is used, with a note; of two, neither is', () => {
    const map = (name: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: istio-system }\n` +
      'data: { mesh: "accessLogFile: /dev/stdout\\noutboundTrafficPolicy: { mode: REGISTRY_ONLY }" }\n';
    const ask = (files: Record<string, string>) =>
      run(['explain', folder(files), '--from', 'other/x', '--to', 'https://nowhere.example.com/']).out;
    expect(ask({ 'a.yaml': map('istio-1-27') })).toMatch(
      /^refused by the sidecar[\s\S]*the mesh configuration is that of ConfigMap istio-system\/istio-1-27/,
    );
    expect(ask({ 'a.yaml': map('istio'), 'b.yaml': map('istio-canary') })).toMatch(/let through[\s\S]*neither is used/);
  });

  test('an object that has an effect without deciding a step is not reported as having none', () => {
    const routed =
      `${entry('good')}---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: good, ` +
      'namespace: shop }\n' +
      'spec: { hosts: [good.example.com], tls: [{ match: [{ port: 443, sniHosts: [good.example.com] }], route: ' +
      '[{ destination: { host: good.example.com } }] }] }\n';
    const { code, out } = run([
      'explain',
      folder({ 'a.yaml': routed }),
      '--from',
      'shop/sleep',
      '--to',
      'https://good.example.com/',
      '--via',
      'sidecar',
    ]);
    expect(code).toBe(0);
    expect(out).not.toMatch(/has no effect/);
    expect(
      run(['explain', manifests('c-http-and-https'), '--from', 'shop/sleep', '--to', 'http://hbchen.com/']).out,
    ).not.toMatch(/has no effect/);
  });

  test('an object that names the host and has no effect is listed, with the reason', () => {
    const { out } = run(['explain', gateway, '--from', 'other/checkout', '--to', 'http://www.aliyun.com/']);
    expect(out).toMatch(/Names the host, but has no effect on this request:\n/);
    expect(out).toMatch(/VirtualService shop\/www-aliyun-com-\w+: not visible in other \(exportTo \.\)/);
    expect(run(['explain', gateway, '--from', 'shop/checkout', '--to', 'http://www.aliyun.com/']).out).not.toMatch(
      /DestinationRule .*has no effect/,
    );
  });

  test('the Host header is what the sidecar looks at', () => {
    const { out } = run([
      'explain',
      gateway,
      '--mesh',
      path.join(folder({ m: 'outboundTrafficPolicy: { mode: REGISTRY_ONLY }' }), 'm'),
      '--from',
      'shop/checkout',
      '--to',
      'http://www.aliyun.com/',
      '--header',
      'Host: other.example.com',
    ]);
    expect(out).toMatch(/refused by the sidecar: 502/);
  });
});

describe('invalid input', () => {
  const ask = (...files: string[]) =>
    run(['explain', ...files, '--from', 'shop/sleep', '--to', 'https://good.example.com/', '--via', 'sidecar']);

  test('invalid YAML is reported with file and document, and the rest is answered', () => {
    const made = folder({ 'all.yaml': `${entry('good')}---\na: [1\n---\n` });
    const { code, err, out } = ask(made);
    expect(err).toMatch(/all\.yaml, document 2: invalid YAML/);
    expect({ code, via: /^incomplete: .*\n[\s\S]*through the sidecar/.test(out) }).toEqual({ code: 2, via: true });
  });

  test('lists are expanded; unknown kinds and documents without a kind are noted', () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n${entry('good')
      .split('\n')
      .filter(Boolean)
      .map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`)
      .join('\n')}\n`;
    const { code, out } = ask(
      folder({
        'list.yaml': `${list}---\napiVersion: example.com/v1\nkind: Widget\nmetadata: { name: w }\n---\nhello: world\n`,
      }),
    );
    expect(code).toBe(0);
    expect(out).toMatch(/Widget of example\.com\/v1 is not part of the model/);
    expect(out).toMatch(/document 3: not a Kubernetes object/);
  });

  test('an object that is defined twice is reported, and the last definition counts', () => {
    const { err, code } = ask(folder({ 'a.yaml': entry('good', '\n  exportTo: [web]'), 'b.yaml': entry('good') }));
    expect(err).toMatch(/b\.yaml: ServiceEntry shop\/good is defined twice, first in .*a\.yaml/);
    expect(code).toBe(0);
  });

  test('namespace default is assumed for an object without one, with a note', () => {
    expect(ask(folder({ 'a.yaml': entry('good').replace(', namespace: shop', '') })).out).toMatch(
      /ServiceEntry good has no namespace; namespace default is assumed/,
    );
  });

  test('an empty file is noted; a missing one alone ends with 3', () => {
    expect(ask(folder({ 'empty.yaml': '', 'good.yaml': entry('good') })).out).toMatch(/empty\.yaml: empty/);
    expect(ask('/nowhere/at/all')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/no such file or folder/),
    });
  });

  test.each([
    ['an empty text', ''],
    ['comments', '# nothing\n---\n# here\n'],
    ['a document that is not an object', 'hello: world\n'],
  ])('%s alone ends with 3', (_what, text) => {
    const expected = { code: 3, out: '', err: expect.stringMatching(/nothing could be read/) };
    expect(ask(folder({ 'a.yaml': text }))).toMatchObject(expected);
    expect(
      run(['explain', '-', '--from', 'shop/sleep', '--to', 'https://good.example.com/'], () => text),
    ).toMatchObject(expected);
  });

  test('a missing file among others gives an answer that is marked as incomplete', () => {
    const { code, out, err } = ask('/nowhere/at/all', folder({ 'good.yaml': entry('good') }));
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/no such file/) });
    expect(out).toMatch(/^incomplete: a part of the input could not be read.*\n200 from good/);
  });

  test('an object that the API server rejects is reported; requests to other hosts are answered', () => {
    const made = folder({
      'a.yaml': `${entry('good')}---\n${entry('bad').replace('[bad.example.com]', 'bad.example.com')}`,
    });
    expect(ask(made)).toMatchObject({
      code: 0,
      err: expect.stringMatching(/a\.yaml, document 2: ServiceEntry shop\/bad .*spec\.hosts: "bad\.example\.com"/),
    });
    expect(run(['explain', made, '--from', 'shop/sleep', '--to', 'https://bad.example.com/'])).toMatchObject({
      code: 2,
      out: expect.stringMatching(/^undetermined: ServiceEntry shop\/bad/),
    });
  });

  test('an internal error ends with 3, in one clear line', () => {
    const broken = () => {
      throw new TypeError('x is not iterable');
    };
    expect(run(['explain', '-', '--from', 'a/b', '--to', 'http://a.io'], broken)).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringMatching(/^internal error, no answer: x is not/),
    });
  });

  test.each([
    ['kind: ServiceEntry\n{{- if .Values.on }}\nspec: {}\n{{- end }}\n'],
    [
      'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: x }\nspec:\n  hosts:\n  - {{ ' +
        '.Values.host }}\n',
    ],
    ['apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: {{ .Release.Name }}\n'],
  ])('Helm templates are recognised: %j', (text) => {
    expect(ask(folder({ 'a.yaml': text }))).toMatchObject({
      code: 3,
      err: expect.stringMatching(/a Helm template .*helm template …/),
    });
  });

  test('an entry without an apiVersion makes the input incomplete', () => {
    expect(ask(folder({ 'a.yaml': entry('good'), 'b.yaml': entry('other').replace(/^.*\n/, '') }))).toMatchObject({
      code: 2,
      err: expect.stringMatching(/b\.yaml: ServiceEntry without an apiVersion/),
    });
  });

  test('standard input is read', () => {
    expect(
      run(['explain', '-', '--from', 'shop/sleep', '--to', 'https://good.example.com/', '--via', 'sidecar'], () =>
        entry('good'),
      ).code,
    ).toBe(0);
  });

  test.each([
    [
      ['explain', gateway, '--to', 'http://a.example.com/'],
      /--from is missing: write the caller as --from <namespace>\/<service account>/,
    ],
    [['explain', gateway, '--from', 'a/b'], /--to is missing: write http:/],
    [['explain', gateway, '--from', 'a/b', '--to', 'tcp://db.example.com'], /a host and a port/],
    [
      ['explain', gateway, '--from', 'a/b', '--to', 'http://a.example.com/', '--labels', 'app'],
      /--labels is key=value/,
    ],
    [
      ['explain', gateway, '--from', 'a/b', '--to', 'http://a.example.com/', '--output', 'xml'],
      /--output is text, json or mermaid/,
    ],
    [['explain', gateway, '--from', 'a/b', '--to', 'http://a.example.com/', '--wat'], /--wat/],
    [['explain', '--from', 'a/b', '--to', 'http://a.example.com/'], /explain: name the files or folders/],
    [['exlain'], /"exlain" is not a command; the commands are lint, rules, explain, check, migrate and docs/],
    [
      ['explain', gateway, '--from', 'curl', '--to', 'http://a.example.com/'],
      /--from is not "curl": write .*--from payments\/checkout/,
    ],
    [['explain', gateway, '--from', 'a/b', '--to', 'a.io'], /"a\.io" is not a URL: write .*, such as https:\/\/a\.io/],
    [
      ['explain', gateway, '--from', 'a/b', '--to', 'http://a.io', '--dial', 'foo'],
      /--dial is an address such as .*, not "foo"/,
    ],
  ])('%j ends with 3, and the error says what to write', (args, message) => {
    expect(run(args)).toMatchObject({ code: 3, err: expect.stringMatching(message) });
  });

  test('addresses of IPv6 in entries, in the mesh configuration and in the request', () => {
    const made = folder({
      'db.yaml': entry('db', '\n  addresses: ["2001:db8::60", "2001:db8:7::/48"]')
        .replace('443', '5432')
        .replace('TLS', 'TCP')
        .replace('DNS', 'NONE'),
      'mesh.yaml':
        'outboundTrafficPolicy: REGISTRY_ONLY\ndefaultConfig: { proxyMetadata: { ISTIO_DUAL_STACK: "true" } }',
    });
    const asked = (to: string) =>
      run([
        'explain',
        path.join(made, 'db.yaml'),
        '--from',
        'shop/a',
        '--to',
        to,
        '--mesh',
        path.join(made, 'mesh.yaml'),
      ]);
    expect(asked('http://undeclared.example.com/').out).toMatch(/Smallest change, verified by the model/);
    expect(asked('tcp://[2001:db8:7::5]:5432').out).toMatch(/^answered by 2001:db8:7::5, through the sidecar/);
    expect(asked('tcp://[2001:db8:8::5]:5432').out).toMatch(/^refused by the sidecar/);
  });

  test('--version prints the version', () => {
    expect(run(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  test('--help names the options and exit codes', () => {
    expect(run(['--help'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/--from[\s\S]*--to[\s\S]*Exit codes/),
    });
  });
});

test('names of the question that no manifest has, but one that is almost the same', () => {
  const ask = (from: string, to: string) => run(['explain', gateway, ...INSTALLED, '--from', from, '--to', to]).out;
  // Before the change that would let in a caller that does not exist.
  expect(ask('shop/chekout', 'http://www.aliyun.com/')).toMatch(
    /no manifest names shop\/chekout: is shop\/checkout meant\?\n\nSmallest change/,
  );
  expect(ask('shop/checkout', 'http://www.aliyum.com/')).toContain(
    'no manifest names www.aliyum.com: is www.aliyun.com meant?',
  );
  expect(ask('shop/checkout', 'http://www.aliyun.com/')).not.toContain('meant?');
  // A manifest that would be rejected names its hosts all the same.
  const tcpEntry = (name: string, hosts: string) =>
    `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: ${name}, namespace: shop }\n` +
    `spec: { hosts: [${hosts}], resolution: DNS, ports: [{ number: 5432, name: tcp, protocol: TCP }] }\n`;
  const input = `${tcpEntry('a', 'a.example.com, b.example.com')}---\n${tcpEntry('c', 'c.example.com')}`;
  const { out } = run(['explain', '-', '--from', 'shop/checkout', '--to', 'tcp://a.example.com:5432'], () => input);
  expect(out).toMatch(/^undetermined: ServiceEntry shop\/a would be rejected by Istio's webhook/);
  expect(out).not.toContain('meant?');
});

test('a folder in the place of an access table', () => {
  expect(run(['check', path.join(EXAMPLES, 'b-http-only/access.yaml'), gateway])).toMatchObject({
    code: 3,
    err: expect.stringMatching(/manifests is a folder, where a file is needed/),
  });
});

describe('docs', () => {
  test('lists the pages with their titles', () => {
    const { code, out } = run(['docs']);
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}gateway +\S.*$/m);
    expect(out).toMatch(/^ {2}examples\/protocols +\S.*$/m);
  });

  test.each(['gateway', 'docs/gateway.md', 'gateway.md#the-gateway', '../docs/gateway.md'])('%s is a page', (name) => {
    const page = fs.readFileSync('docs/gateway.md', 'utf8');
    expect(page).toContain('<!-- proof');
    expect(run(['docs', name])).toEqual({ code: 0, err: '', out: page.replace(/ ?<!-- .*? -->/g, '') });
  });

  test('an example is a page', () => {
    expect(run(['docs', '../examples/protocols']).out).toBe(fs.readFileSync('examples/protocols/README.md', 'utf8'));
  });

  test('a word that is not a page is looked up in all of them', () => {
    expect(run(['docs', 'Squid']).err).toContain('docs: "Squid" is not a page; it is mentioned in: README, http-proxy');
    expect(run(['docs', 'no such word']).err).toContain(
      '"no such word" is not a page; cdk8s-istio-egress docs lists them',
    );
  });

  test('of several words, the pages that have all of them are named', () => {
    const [one, both] = [['Squid'], ['SQUID', 'rename']].map((words) => run(['docs', ...words]).err);
    expect(both).toContain('docs: "SQUID rename" is not a page; these words are in: README');
    expect(one).toContain('http-proxy');
    expect(both).not.toContain('http-proxy');
  });

  test.each([[['gatway']], [['../package.json']], [['gateway', 'tls']]])('%j ends with 3', (args) => {
    expect(run(['docs', ...args])).toMatchObject({ code: 3, out: '', err: expect.stringContaining('docs: ') });
  });
});

describe('check', () => {
  const table = path.join(EXAMPLES, 'e-http-through-gateway', 'access.yaml');

  test('a table whose rows all match ends with 0', () => {
    expect(run(['check', gateway, table])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/(\d+) of \1 rows are as the table says/),
    });
  });

  test('a row that does not match ends with 1 and is shown', () => {
    const changed = path.join(
      folder({
        'access.yaml': fs
          .readFileSync(table, 'utf8')
          .replace(
            'status: 301, via: gateway, tlsOriginatedBy: none',
            'status: 200, via: sidecar, tlsOriginatedBy: none',
          ),
      }),
      'access.yaml',
    );
    expect(run(['check', gateway, changed])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✗ checkout[\s\S]*via: expected sidecar, the model says gateway/),
    });
  });

  test.each([
    [
      'via: gateway',
      'via: gatway',
      /access\[\d+\]\.expect\.via: "gatway" is not allowed; it is direct, undeclared, sidecar or gateway/,
    ],
    ['symptom:', 'symptm:', /access\[\d+\]\.expect\.symptm: unknown field; the fields are outcome, .*symptom/],
    ['external:', 'sekrets: []\nexternal:', /sekrets: unknown field; the fields are mesh, gateways/],
  ])('a typo in a table ends with 3, and the error says what is allowed: %s, %s', (right, typo, why) => {
    const text = fs.readFileSync(table, 'utf8');
    expect(text).toContain(right);
    expect(
      run(['check', gateway, path.join(folder({ 'access.yaml': text.replace(right, typo) }), 'access.yaml')]),
    ).toMatchObject({ code: 3, err: expect.stringMatching(why) });
  });

  test('a row that fails for a host without http in its external entry says so', () => {
    const made = folder({
      'a.yaml': entry('good').replace(
        '{ number: 443, name: tls, protocol: TLS }',
        '{ number: 80, name: http, protocol: HTTP }',
      ),
      't.yaml':
        'callers: [{ name: c, namespace: shop, serviceAccount: c }]\nexternal: [{ host: good.example.com, ' +
        'https: ok }]\n' +
        'access: [{ from: c, request: "http://good.example.com/", expect: { outcome: answered } }]\n',
    });
    expect(run(['check', path.join(made, 'a.yaml'), path.join(made, 't.yaml')]).out).toMatch(
      /the access table's `external` entry for good\.example\.com declares no http/,
    );
  });

  test('a gateway of the manifests that the table does not list is given as the line to add', () => {
    const example = path.join(EXAMPLES, 'own-gateway');
    const text = fs.readFileSync(path.join(example, 'access.yaml'), 'utf8');
    const listed = text.match(/^  - { name: exit, (.*)$/m)![1];
    const made = folder({ 'access.yaml': text.replace(/^  - { name: exit, .*\n/m, '') });
    const own = path.join(example, 'manifests');
    expect(run(['check', own, path.join(made, 'access.yaml')])).toMatchObject({
      code: 1,
      err:
        'the table does not list the gateway of Deployment egress/egress-gateway; under gateways: ' + `- { ${listed}\n`,
    });
    expect(run(['check', own, path.join(example, 'access.yaml')])).toMatchObject({ code: 0, err: '' });
  });

  test('a file that is not an access table ends with 3', () => {
    expect(run(['check', gateway, path.join(gateway, 'shop.k8s.yaml')]).code).toBe(3);
  });
});

describe('the width of lines', () => {
  const LONG = 'a-name-that-is-as-long-as-names-may-be'.repeat(6);
  const long = () => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${LONG}, namespace: shop }
spec:
  hosts: [${LONG.slice(0, 63)}.${LONG.slice(0, 63)}.example.com]
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
`;
  const longest = (text: string) => Math.max(...text.split('\n').map((line) => line.length));

  test.each([undefined, 60, 140])('is at most that of the terminal, else 100 columns: %s', (width) => {
    const where = folder({ 'a.yaml': long() });
    for (const [files, from, to] of [
      [where, 'shop/cart', `https://${LONG.slice(0, 63)}.${LONG.slice(0, 63)}.example.com/`],
      [where, 'shop/cart', `http://${LONG.slice(0, 63)}.${LONG.slice(0, 63)}.example.com:443/`],
      [gateway, 'shop/crawler', 'http://www.aliyun.com/'],
    ]) {
      const { out } = runCommand(['explain', files, '--from', from, '--to', to, ...INSTALLED], undefined, width);
      expect(longest(out)).toBeLessThanOrEqual(width ?? 100);
      expect(longest(out)).toBeGreaterThan((width ?? 100) * 0.8);
    }
    const { out } = runCommand(['check', gateway, path.join(gateway, '../access.yaml')], undefined, width);
    expect(longest(out)).toBeLessThanOrEqual(width ?? 100);
  });

  test('loses nothing but spaces', () => {
    const args = ['explain', gateway, '--from', 'shop/crawler', '--to', 'http://www.aliyun.com/', ...INSTALLED];
    const words = (text: string) => text.replace(/\s+/g, '');
    for (const width of [1, 25, 60]) expect(words(runCommand(args, undefined, width).out)).toBe(words(run(args).out));
  });
});

describe('--speak', () => {
  const asked = (...more: string[]) => {
    const where = folder({ 'a.yaml': entry('site') });
    const world = ['--assume', 'outbound-traffic-policy=REGISTRY_ONLY', '--output', 'json'];
    return run(['explain', where, '--from', 'shop/cart', '--to', 'https://site.example.com/', ...world, ...more]);
  };

  test.each([
    [[], 200, 'h2'],
    [['--speak', 'http2'], 200, 'h2'],
    [['--speak', 'grpc'], 200, 'h2'],
    [['--speak', 'websocket'], 101, 'http/1.1'],
  ])('%s', (more, status, protocol) => {
    expect(JSON.parse(asked(...more).out)).toMatchObject({ outcome: 'answered', status, protocol });
  });

  test('takes no other word, and is not for bytes', () => {
    expect(asked('--speak', 'HTTP/2')).toMatchObject({ code: 3, err: expect.stringMatching(/http2, grpc, websocket/) });
    const bytes = ['explain', gateway, '--from', 'a/b', '--to', 'tcp://a.example.com:9', '--speak', 'grpc'];
    expect(run(bytes)).toMatchObject({ code: 3, err: expect.stringMatching(/--speak grpc is for http/) });
  });
});

test('a reader of the output may close it early, as head does', () => {
  const line = 'set -o pipefail; "$0" "$1" src/explain/main.ts docs rules | head -1';
  const result = spawnSync('bash', ['-c', line, process.execPath, require.resolve('tsx/cli')], { encoding: 'utf8' });
  expect(result).toMatchObject({ status: 0, stdout: '# Rules\n', stderr: '' });
});

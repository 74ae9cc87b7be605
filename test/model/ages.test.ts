import { ask, ENTRY, EXIT_PODS, LOCKED } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';
import { World } from '../../src/model';

const CALLER = 'shop/cart';
const URL = 'http://site.example.com/';

/** A VirtualService that answers the request itself, so that its status says which of two counts. */
function answering(name: string, status: number, created?: string): string {
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop${created === undefined ? '' : `, creationTimestamp: "${created}"`} }
spec:
  hosts: [site.example.com]
  http: [{ directResponse: { status: ${status} } }]
`;
}

const OLD = '2026-01-01T00:00:00Z';
const NEW = '2026-02-01T00:00:00Z';
const symptom = (yaml: string, world: World = {}) => ask(ENTRY + yaml, CALLER, URL, world).symptom;

test('the older of two counts, whatever their names and the order of the documents', () => {
  expect(symptom(answering('a', 503, NEW) + answering('b', 404, OLD))).toBe(404);
  expect(symptom(answering('b', 404, OLD) + answering('a', 503, NEW))).toBe(404);
});

describe('an undated object beside a dated one', () => {
  const both = answering('a', 503) + answering('b', 404, OLD);

  test('is undetermined, with both answers and what to say', () => {
    const answer = ask(ENTRY + both, CALLER, URL, {});
    expect(answer.outcome).toBe('undetermined');
    expect(answer.reason).toMatch(/404.*otherwise.*503.*--assume-age undated=youngest\|oldest\|same/);
    expect(answer.causes.map(({ name }) => name)).toEqual(expect.arrayContaining(['a', 'b']));
  });

  test.each([
    ['youngest', 404],
    ['oldest', 503],
    ['same', 503],
  ] as const)('%s: %i', (undatedAge, status) => expect(symptom(both, { undatedAge })).toBe(status));

  test('same ignores dates: names decide', () => {
    const other = answering('b', 503) + answering('a', 404, NEW);
    expect(symptom(other, { undatedAge: 'same' })).toBe(404);
    expect(symptom(other, { undatedAge: 'oldest' })).toBe(503);
  });

  test('does not matter where both answer the same', () => {
    expect(symptom(answering('a', 404) + answering('b', 404, OLD))).toBe(404);
  });

  test('does not matter to other hosts', () => {
    expect(ask(ENTRY + both, CALLER, 'https://site.example.com/', {}).outcome).toBe('answered');
  });
});

describe('without any dates', () => {
  test('two that claim the same are undetermined, unless they are said to be of the same age', () => {
    const both = answering('a', 503) + answering('b', 404);
    expect(ask(ENTRY + both, CALLER, URL, {}).outcome).toBe('undetermined');
    expect(symptom(both, { undatedAge: 'same' })).toBe(503);
  });

  test('of many that compete, only those that decide this request are named, with what they compete with', () => {
    const others = ['c', 'd', 'e', 'f'].map((name) =>
      answering(name, 404).replace('site.example.com', `${name < 'e' ? 'one' : 'two'}.example.com`),
    );
    const { reason } = ask(ENTRY + others.join('') + answering('b', 404) + answering('a', 503), CALLER, URL, {});
    expect(reason).toMatch(/: if VirtualService shop\/a is younger than VirtualService shop\/b, it is refused.*404/);
  });

  test('entries that capture a TCP port from each other are undetermined', () => {
    const entry = (name: string, address = '') => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${name}.example.com]
  resolution: DNS
  ports: [{ number: 9000, name: tcp, protocol: TCP }]
${address}`;
    const answer = ask(entry('z') + entry('a'), CALLER, 'tcp://z.example.com:9000', {});
    expect(answer.outcome).toBe('undetermined');
    expect(answer.reason).toMatch(/--assume-age/);
  });

  test('two traffic policies for one host are undetermined', () => {
    const rule = (name: string, mode: string) => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: shop }
spec: { host: site.example.com, trafficPolicy: { tls: { mode: ${mode} } } }
`;
    const answer = ask(ENTRY + rule('a', 'SIMPLE') + rule('b', 'DISABLE'), CALLER, URL, {});
    expect(answer.reason).toMatch(/--assume-age/);
  });

  test('many that claim the same are undetermined too', () => {
    const many = (which: number) =>
      Array.from({ length: 9 }, (_, index) => answering(`n${index}`, index === which ? 404 : 503)).join('');
    for (const which of [0, 4, 8]) expect(ask(ENTRY + many(which), CALLER, URL, {}).outcome).toBe('undetermined');
    expect(symptom(many(9))).toBe(503);
  });
});

describe('the Service of a gateway, of which only routes tell', () => {
  const doc = (kind: string, name: string, namespace: string, year: number, spec: string) =>
    `---\napiVersion: ${kind === 'Service' ? 'v1' : 'networking.istio.io/v1'}\nkind: ${kind}\n` +
    `metadata: { name: ${name}, namespace: ${namespace}, creationTimestamp: "${year}-01-01T00:00:00Z" }\nspec: ${spec}\n`;
  const entry = (name: string, year: number, protocol: string) =>
    doc(
      'ServiceEntry',
      name,
      'shop',
      year,
      `{ hosts: [${name}.example.com], resolution: DNS, ports: [{ number: 80, name: a, protocol: ${protocol} }] }`,
    );
  const route = (name: string, namespace: string, to: string, more = '') =>
    doc(
      'VirtualService',
      name,
      namespace,
      2025,
      `{ hosts: [api.example.com], ${more} http: [{ route: [{ destination: { host: ${to}, port: { number: 80 } } }] }] }`,
    );
  const routes =
    entry('api', 2025, 'HTTP') +
    route('api', 'shop', 'exit.egress.svc.cluster.local') +
    route('exit', 'egress', 'api.example.com', 'gateways: [exit],') +
    doc(
      'Gateway',
      'exit',
      'egress',
      2025,
      "{ selector: { istio: exit }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }",
    );
  const exit = (year: number) =>
    doc(
      'Service',
      'exit',
      'egress',
      year,
      '{ selector: { istio: exit }, ports: [{ name: http2, port: 80, targetPort: 8080 }] }',
    );
  const see = (yaml: string, undatedAge?: World['undatedAge']) =>
    ask(routes + yaml, CALLER, 'http://api.example.com/', {
      ...LOCKED,
      httpPort80: false,
      undatedAge,
      knownGateways: [{ name: 'exit', ...EXIT_PODS }],
    });
  const older = entry('db', 2020, 'MONGO');

  test('may be younger than what competes with it', () => {
    expect(see(older + exit(2019))).toMatchObject({ outcome: 'answered', via: 'gateway' });
    expect(see(older + exit(2024))).toMatchObject({ outcome: 'answered', via: 'sidecar' });
    expect(see(older)).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/Service egress\/exit \(not among the manifests\) came later .*--assume-age/),
    });
  });

  test('is as old as an undated object is said to be', () => {
    expect(see(older, 'oldest')).toMatchObject({ outcome: 'answered', via: 'gateway' });
    expect(see(older, 'youngest')).toMatchObject({ outcome: 'answered', via: 'sidecar' });
  });

  test('has no say where nothing competes with it', () => {
    expect(isPlainYes(see(entry('db', 2020, 'HTTP')))).toBe(true);
  });
});

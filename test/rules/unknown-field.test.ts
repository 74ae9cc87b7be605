import { entry, findings, gateway, istio, reported, route } from './support';

const code = 'unknown-field';
const said = (...objects: any[]) =>
  findings(code, objects).map(({ severity, field, cure }) => `${severity}: ${field}: ${cure}`);

test('a misspelt field is named with what was probably meant', () => {
  expect(said(route('shop/a', { http: [{ rout: [] }] }))).toEqual(['error: spec.http[0].rout: Write route.']);
});

test('a field one level too high or too low is named with its place', () => {
  const rule = istio('DestinationRule', 'shop/a', { host: 'a.example.com', tls: { mode: 'SIMPLE' } });
  expect(said(rule)).toEqual(['error: spec.tls: Write spec.trafficPolicy.tls.']);
  expect(said(route('shop/b', {}, { host: 'a.example.com', weight: 1 }))).toEqual([
    'error: spec.http[0].route[0].destination.weight: Write spec.http.route.weight.',
  ]);
});

test.each([
  ['a name like none', gateway('shop/a', ['a.example.com'], { quantum: true }), 'spec.servers[0].quantum'],
  [
    'a name of something else',
    route('shop/a', { http: [{ fault: { abort: { percent: 1 } } }] }),
    'spec.http[0].fault.abort.percent',
  ],
  [
    'a name that is in many places',
    route('shop/a', {}, { host: 'a.example.com', port: { number: 80, name: 'http' } }),
    'spec.http[0].route[0].destination.port.name',
  ],
])('%s is a warning, with the fields that are there: another version of Istio may have it', (_what, object, field) => {
  expect(said(object)).toEqual([
    expect.stringMatching(/^warning: .*: Leave it out unless your Istio has it; the fields there are \w+/),
  ]);
  expect(findings(code, [object])[0].field).toBe(field);
});

test('what is for the tool that builds the object is not its business', () => {
  expect(said(route('shop/a', { http: [{ $patch: 'replace' }] }))).toEqual([]);
});

test('the same mistake in several items is said once, and the same way whichever items these are', () => {
  const port = (number: number) => ({ number, name: `tls-${number}`, protocol: 'TLS', targetport: 8443 });
  const good = { number: 80, name: 'http', protocol: 'HTTP' };
  const [finding, ...others] = findings(code, [entry('shop/a', { ports: [good, port(443), port(444), port(445)] })]);
  expect(finding).toMatchObject({
    field: 'spec.ports[1].targetport',
    cure: 'Write targetPort. The same is in 2 more items.',
    message: 'ServiceEntry shop/a [shop/a] has a field spec.ports.targetport, which ServiceEntry does not have.',
  });
  expect(others).toEqual([]);
});

test.each([
  ['metadata', { metadata: { name: 'a', namspace: 'shop' } }, 'metadata.namspace'],
  ['beside the spec', { labels: { app: 'a' } }, 'labels'],
  ['a name of every object', JSON.parse('{ "constructor": 1, "__proto__": 2 }'), '__proto__'],
])('%s', (_what, more, field) => {
  const { manifest, origin } = entry('shop/a', {});
  const found = findings(code, [
    { manifest: Object.defineProperties({ ...manifest }, Object.getOwnPropertyDescriptors(more)) as any, origin },
  ]);
  expect(found.map((one) => one.field)).toContain(field);
});

test('known fields, maps with any names, and what the API server writes are not findings', () => {
  const written = { uid: 'u', resourceVersion: '1', generation: 2, managedFields: [{ manager: 'kubectl' }] };
  const objects = [
    istio(
      'VirtualService',
      'shop/a',
      {
        hosts: ['a.example.com'],
        http: [
          {
            mirror_percent: 1,
            headers: { request: { set: { any: 'x' } } },
            match: [{ headers: { x: { exact: 'y' } } }],
          },
        ],
      },
      { ...written, labels: { any: 'x' }, annotations: { 'a/b': 'x' } },
    ),
    istio('DestinationRule', 'shop/b', { host: 'a.example.com', subsets: [{ name: 'x', labels: { any: 'x' } }] }),
  ].map(({ manifest, origin }) => ({
    manifest: { ...manifest, apiVersion: 'networking.istio.io/v1alpha3', status: { any: [] } },
    origin,
  }));
  expect(reported(code, objects)).toEqual([]);
});

test('the same name in another API is not its business', () => {
  const { manifest, origin } = gateway('shop/a', []);
  const spec = { gatewayClassName: 'istio', listeners: [] };
  expect(
    reported(code, [{ manifest: { ...manifest, apiVersion: 'gateway.networking.k8s.io/v1', spec }, origin }]),
  ).toEqual([]);
});

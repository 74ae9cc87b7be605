import { AccessTable } from '../../src/access/access-table';
import { captureRules } from '../mesh/lab/capture';
import { clientHello } from '../mesh/lab/client-hello';
import { placed } from '../mesh/lab/external';
import { KubeObject, ServiceController } from '../mesh/lab/kubernetes';
import { workloads } from '../mesh/lab/world';

const table: AccessTable = {
  gateways: [{ namespace: 'egress', labels: { istio: 'egressgateway' }, serviceAccount: 'gateway', targetPort: 8443 }],
  callers: [{ name: 'legacy', namespace: 'shop', serviceAccount: 'legacy' }],
  external: [{ host: 'a.example.com' }, { host: 'b.example.com', address: '203.0.113.10' }],
  access: [{ from: 'legacy', request: 'http://a.example.com/', dial: '203.0.113.99', expect: { outcome: 'answered' } }],
};

const deployment = (namespace: string, annotations: Record<string, string>): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'legacy', namespace },
  spec: { template: { metadata: { labels: { app: 'legacy', tier: 'back' }, annotations } } },
});

test('a pod template among the manifests sets what is captured', () => {
  const annotations = { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': '203.0.113.40/32' };
  expect(workloads(table, [deployment('shop', annotations)])[0].capture).toEqual({ '-x': '203.0.113.40/32' });
  expect(workloads(table, [deployment('other', annotations)])[0].capture).toEqual({});
});

test('a pod template says by its label, or else by its annotation, that there is no sidecar', () => {
  const inject = (value: string) => ({ 'sidecar.istio.io/inject': value });
  const isInjected = (label: object, annotation: Record<string, string>) => {
    const made = deployment('shop', annotation);
    Object.assign(made.spec.template.metadata.labels, label);
    return workloads(table, [made])[0].injected;
  };
  expect(isInjected({}, {})).toBe(true);
  expect(isInjected({}, inject('false'))).toBe(false);
  expect(isInjected(inject('false'), {})).toBe(false);
  expect(isInjected(inject('true'), inject('false'))).toBe(true);
});

test('an unknown capture annotation is an error', () => {
  expect(() => captureRules({ 'traffic.sidecar.istio.io/kubevirtInterfaces': 'eth1' })).toThrow(/does not know/);
});

test('a Service gets an address and the pods that it selects', () => {
  const controller = new ServiceController(workloads(table, []), table.gateways!);
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'hop', namespace: 'egress' },
    spec: { selector: { istio: 'egressgateway' }, ports: [{ name: 'tls', port: 443, targetPort: 'https' }] },
  };
  const [first, slice] = controller.complete([service]);
  expect(first.spec.clusterIP).toBe(controller.complete([service])[0].spec.clusterIP);
  expect(slice).toMatchObject({ ports: [{ name: 'tls', port: 8443 }], endpoints: [{ addresses: ['10.77.0.12'] }] });
  const none = { ...service, spec: { ...service.spec, selector: { istio: 'ingressgateway' } } };
  expect(controller.complete([none])[1].endpoints).toEqual([]);
});

test('every host has an address of its own, and so has every dialled address that belongs to no host', () => {
  const hosts = placed(table);
  expect(hosts.map((host) => host.address)).toEqual(['203.0.113.11', '203.0.113.10', '203.0.113.99']);
  expect(hosts[2].host).toMatch(/^stray/);
});

test('in a dual-stack mesh pods and hosts have two addresses, and a Service where it asks for them', () => {
  const dual: AccessTable = { ...table, mesh: { dualStack: true } };
  expect(placed(dual).map(({ addresses }) => addresses)).toEqual([
    ['203.0.113.11', '2001:db8::b'],
    ['203.0.113.10'],
    ['203.0.113.99'],
  ]);
  const pods = workloads(dual, []);
  expect(pods.map(({ addresses }) => addresses[1])).toEqual(['fd77::b', 'fd77::c']);
  const service = (spec: object): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'hop', namespace: 'egress' },
    spec: { selector: { istio: 'egressgateway' }, ports: [{ name: 'tls', port: 443 }], ...spec },
  });
  const familiesOf = (spec: object) =>
    new ServiceController(pods, dual.gateways!)
      .complete([service(spec)])
      .map(({ spec: own, addressType, endpoints }) => own?.ipFamilies ?? [addressType, endpoints[0].addresses[0]]);
  expect(familiesOf({})).toEqual([['IPv4'], ['IPv4', '10.77.0.12']]);
  expect(familiesOf({ ipFamilyPolicy: 'PreferDualStack' })).toEqual([
    ['IPv4', 'IPv6'],
    ['IPv4', '10.77.0.12'],
    ['IPv6', 'fd77::c'],
  ]);
});

test('server name and protocols are read from the ClientHello', () => {
  const serverName = Buffer.from([0, 0, 0, 10, 0, 8, 0, 0, 5, ...Buffer.from('a.com')]);
  const alpn = Buffer.from([0, 16, 0, 5, 0, 3, 2, ...Buffer.from('h2')]);
  const extensions = Buffer.concat([serverName, alpn]);
  const body = Buffer.concat([
    Buffer.alloc(2 + 32),
    Buffer.from([0, 0, 2, 0x13, 1, 1, 0, 0, extensions.length]),
    extensions,
  ]);
  const hello = Buffer.concat([Buffer.from([0x16, 3, 1, 0, 0, 1, 0, 0, body.length]), body]);
  expect(clientHello(hello)).toEqual({ serverName: 'a.com', alpn: ['h2'] });
  expect(clientHello(Buffer.from('GET / HTTP/1.1\r\n'))).toBeUndefined();
});

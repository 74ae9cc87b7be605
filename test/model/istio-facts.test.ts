import { CASES } from './istio-facts';
import { ask, LOCKED, passThroughGateway } from './support';
import { EgressModel, ModelCaller, World, worldOf } from '../../src/model';
import { unmetExpectations } from '../../src/model/answer/judge';

const entry = (name: string, host: string, spec: string, namespace = 'shop') => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: ${namespace} }
spec: { hosts: [${host}], ${spec} }
`;
const TLS = 'ports: [{ number: 443, name: tls, protocol: TLS }]';
const TCP = 'ports: [{ number: 443, name: tcp, protocol: TCP }]';

describe('another cluster domain', () => {
  const gateway = (domain: string) =>
    `${passThroughGateway(domain)}${entry('site', 'site.example.com', `resolution: DNS, ${TLS}`, 'egress')}`;
  const of = (clusterDomain?: string): World => ({ mesh: { ...LOCKED.mesh, clusterDomain } });
  const answer = (domain: string, world: World) => ask(gateway(domain), 'shop/app', 'https://site.example.com/', world);

  test('is the domain of the Services', () => {
    expect(answer('corp.example', of('corp.example'))).toMatchObject({ outcome: 'answered', via: 'gateway' });
    expect(answer('cluster.local', of())).toMatchObject({ outcome: 'answered', via: 'gateway' });
  });

  test('that is given wrongly leads nowhere', () => {
    expect(answer('cluster.local', of('corp.example'))).toMatchObject({ outcome: 'refused' });
    expect(answer('corp.example', of('cluster.local'))).toMatchObject({ outcome: 'refused' });
  });

  test('that nobody says is asked for', () => {
    expect(answer('corp.example', of())).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringContaining("only if the cluster's domain is corp.example"),
    });
  });

  test('completes short names', () => {
    const short = gateway('x').replace('exit.egress.svc.x', 'exit');
    expect(ask(short, 'shop/app', 'https://site.example.com/', of('corp.example'))).toMatchObject({
      outcome: 'answered',
      via: 'gateway',
    });
  });
});

describe('ranges of the address 0.0.0.0', () => {
  test.each(['0.0.0.0/0', '0.0.0.0/1'])('the server name decides, although an entry has the address %s', (range) => {
    const yaml =
      entry('all', 'all.example.com', `addresses: [${range}], resolution: NONE, ${TLS}`) +
      entry('site', 'site.example.com', `resolution: DNS, ${TLS}`);
    expect(ask(yaml, 'shop/app', 'https://site.example.com/')).toMatchObject({
      outcome: 'answered',
      destination: 'site.example.com:443',
    });
    expect(ask(yaml, 'shop/app', 'https://other.example.com/')).toMatchObject({ outcome: 'refused' });
  });

  test('TCP of every address takes what no server name claims, and no more', () => {
    const yaml =
      entry('all', 'all.example.com', `addresses: [0.0.0.0/0], resolution: NONE, ${TCP}`) +
      entry('site', 'site.example.com', `resolution: DNS, ${TLS}`);
    const of = (host: string) => ask(yaml, 'shop/app', `https://${host}/`).steps[1].text;
    expect(of('site.example.com')).toContain('site.example.com:443');
    expect(of('other.example.com')).toContain('all.example.com:443');
  });

  test('a destinationSubnet of 0.0.0.0/0 is none', () => {
    const yaml =
      entry('a', 'a.example.com', `resolution: DNS, ${TLS}`) +
      entry('b', 'b.example.com', `resolution: DNS, ${TLS}`) +
      `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec:
  hosts: [a.example.com]
  tls:
    - match: [{ port: 443, sniHosts: [a.example.com], destinationSubnets: [0.0.0.0/0] }]
      route: [{ destination: { host: b.example.com, port: { number: 443 } } }]
`;
    expect(ask(yaml, 'shop/app', 'https://a.example.com/')).toMatchObject({ destination: 'b.example.com:443' });
    expect(ask(yaml, 'shop/app', 'https://b.example.com/')).toMatchObject({ destination: 'b.example.com:443' });
  });
});

describe('capture', () => {
  const caller = (ranges: string): ModelCaller => ({
    namespace: 'shop',
    serviceAccount: 'app',
    annotations: { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': ranges },
  });
  const yaml = entry('site', 'site.example.com', `resolution: DNS, ${TLS}`);

  test.each(['172.16.0.0/12', '10.0.0.0/8', '100.64.0.0/10', 'fd00::/8'])('%s holds no external host', (range) => {
    expect(ask(yaml, caller(range), 'https://site.example.com/')).toMatchObject({
      outcome: 'answered',
      via: 'sidecar',
    });
  });

  test.each(['172.0.0.0/8', '100.0.0.0/8', '203.0.113.0/24'])('%s may hold one', (range) => {
    expect(ask(yaml, caller(range), 'https://site.example.com/')).toMatchObject({ outcome: 'undetermined' });
  });
});

describe('the visibility of entries', () => {
  const yaml = entry('site', 'site.example.com', `resolution: DNS, ${TLS}`, 'platform');
  const visibility = { visibility: 'PUBLIC', matchingRules: [{ namespaceSelector: { matchLabels: { team: 'p' } } }] };
  const asked = (more: string, applyToSidecars = true) =>
    ask(yaml + more, 'shop/app', 'https://site.example.com/', {
      mesh: {
        ...LOCKED.mesh,
        serviceEntryVisibility: { defaultVisibility: 'NAMESPACE', applyToSidecars, policies: [visibility as any] },
      },
    });
  const namespace = (labels: string) => `---
apiVersion: v1
kind: Namespace
metadata: { name: platform, labels: ${labels} }
`;

  test('follows the labels of the namespace', () => {
    expect(asked(namespace('{ team: p }'))).toMatchObject({ outcome: 'answered' });
    expect(asked(namespace('{ team: q }'))).toMatchObject({ outcome: 'refused' });
  });

  test('is asked for where the labels are not among the manifests', () => {
    expect(asked('')).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/makes the entries of platform PUBLIC.*add the Namespace objects/),
    });
  });

  test('is that of the entries where it is for ambient mode only', () => {
    expect(asked('', false)).toMatchObject({ outcome: 'answered' });
  });

  test('is named as what hides an entry', () => {
    const { causes, reason } = asked(namespace('{}'));
    expect([reason, causes]).toEqual([
      expect.stringContaining('the mesh does not let namespace shop see ServiceEntry platform/site'),
      expect.arrayContaining([expect.objectContaining({ field: 'serviceEntryVisibility' })]),
    ]);
  });
});

describe.each(CASES)('the mesh and the model agree: $name', ({ table, objects }) => {
  const model = EgressModel.of(
    objects.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` })),
    worldOf(table),
  );

  test.each(table.access)('$from $request $headers', ({ from, request: url, expect: expected, ...more }) => {
    const answer = model.ask(
      table.callers.find(({ name }) => name === from)!,
      { url, ...more },
    );
    expect(unmetExpectations(expected, answer)).toEqual([]);
  });
});

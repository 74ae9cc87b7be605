import { ask, ENTRY, istio, LOCKED } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';
import { World } from '../../src/model';
import { unmetExpectations } from '../../src/model/answer/judge';

const routes = (http: string) =>
  '---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: split, namespace: shop ' +
  `}\nspec: { hosts: [site.example.com], http: [${http}] }\n`;

test('weights give alternatives, and the most likely one is the answer', () => {
  const split =
    '{ route: [{ destination: { host: site.example.com, port: { number: 80 } }, weight: 90 }, { destination: { ' +
    'host: nowhere.example.com }, weight: 10 }] }';
  const answer = ask(`${ENTRY}${routes(split)}`, 'shop/app', 'http://site.example.com/');
  expect(answer).toMatchObject({
    outcome: 'answered',
    alternatives: [{ weight: 10, answer: { outcome: 'refused', by: 'sidecar', symptom: 503 } }],
  });
});

test('an injected fault is an alternative, or the answer at 100%', () => {
  const fault = (value: number) =>
    routes(
      `{ fault: { abort: { httpStatus: 418, percentage: { value: ${value} } } }, route: [{ destination: { ` +
        'host: site.example.com } }] }',
    );
  expect(ask(`${ENTRY}${fault(100)}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'refused',
    symptom: 418,
    by: 'sidecar',
    alternatives: [],
  });
  expect(ask(`${ENTRY}${fault(25)}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'answered',
    alternatives: [{ weight: 25, answer: { symptom: 418 } }],
  });
});

test('further endpoints are alternatives', () => {
  const entry = ENTRY.replace(
    'resolution: DNS',
    'resolution: STATIC\n  endpoints: [{ address: 203.0.113.1 }, { address: 203.0.113.2 }]',
  );
  expect(ask(entry, 'shop/app', 'https://site.example.com/').alternatives).toHaveLength(1);
});

describe('where chance decides in istiod', () => {
  test('an entry with several addresses: routes for requests know one of them', () => {
    const entry = ENTRY.replace('resolution:', 'addresses: [203.0.113.1, 203.0.113.2, 203.0.113.3]\n  resolution:');
    for (const last of [1, 2, 3]) {
      const answer = ask(entry, 'shop/app', `http://203.0.113.${last}/`);
      const all = [answer, ...answer.alternatives.map((one) => one.answer)];
      expect(new Set(all.map(({ outcome }) => outcome))).toEqual(new Set(['answered', 'refused']));
      expect(isPlainYes(answer)).toBe(false);
    }
    expect(ask(entry, 'shop/app', 'http://site.example.com/').alternatives).toEqual([]);
  });

  test('an entry with many addresses: those that no order is tried for are undetermined, and ranges do not matter', () => {
    const entry = (address: (index: number) => string) =>
      ENTRY.replace('resolution:', `addresses: [${Array.from({ length: 40 }, (_, at) => address(at))}]\n  resolution:`);
    const single = entry((at) => `198.51.100.${at}`);
    const asked = (url: string, yaml = single) => ask(yaml, 'shop/app', url);
    expect(asked('http://198.51.100.30/').outcome).toBe('undetermined');
    for (const last of [3, 39]) expect(isPlainYes(asked(`http://198.51.100.${last}/`))).toBe(false);
    expect(asked('http://198.51.100.3/').alternatives).toHaveLength(1);
    for (const url of ['http://site.example.com/', 'https://198.51.100.30/'])
      expect(asked(url)).toMatchObject({ outcome: 'answered', alternatives: [] });
    const ranges = entry((at) => `10.${at}.0.0/16`).replace('DNS', 'NONE');
    expect(asked('http://10.30.0.1/', ranges)).toMatchObject({ outcome: 'refused', alternatives: [] });
    // A Sidecar of the caller that names the host knows one of them, too.
    const names = '{ egress: [{ hosts: ["./site.example.com"] }] }';
    const dialled = { url: 'https://site.example.com/', dial: '10.30.0.1' };
    for (const [namespace, outcome] of Object.entries({ shop: 'undetermined', other: 'refused' }))
      expect(ask(ranges + istio('Sidecar', names, namespace), 'shop/app', dialled).outcome).toBe(outcome);
  });

  test('Sidecars of one namespace with other egress proxies: each workload may get either', () => {
    const sidecar = (app: string, proxy: string) =>
      '---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: { name: ' +
      `${app}, namespace: shop }\nspec: { workloadSelector: { labels: { app: ${app} } }, outboundTrafficPolicy: ` +
      `{ mode: ALLOW_ANY${proxy} } }\n`;
    const proxy = ', egressProxy: { host: site.example.com, port: { number: 80 } }';
    const asked = (yaml: string) =>
      ask(
        ENTRY + yaml,
        { namespace: 'shop', serviceAccount: 'app', labels: { app: 'one' } },
        'http://other.example.com/',
      );
    const { via, alternatives } = asked(sidecar('one', '') + sidecar('two', proxy));
    expect([via, alternatives.map(({ answer }) => answer.via)]).toEqual(['undeclared', ['sidecar']]);
    expect(asked(sidecar('one', proxy) + sidecar('two', proxy)).alternatives).toEqual([]);
    const forLabels =
      '{ match: [{ sourceLabels: { app: two } }], route: [{ destination: { host: site.example.com } }] }';
    expect(asked(sidecar('one', '') + sidecar('two', proxy) + routes(forLabels)).alternatives).toEqual([]);
    // What the Sidecar of a third workload says, of which the model knows no routes, does not matter.
    const egress = '\n  egress: [{ port: { number: 80, name: p, protocol: HTTP_PROXY }, hosts: ["*/*"] }]\n';
    const third = `${sidecar('three', '')
      .replace('spec: {', 'spec:\n ')
      .replace(/, outbound.*\n/, egress)}`;
    expect(asked(sidecar('one', '') + sidecar('two', proxy) + third)).toMatchObject({
      outcome: 'answered',
      alternatives: [{ answer: { via: 'sidecar' } }],
    });
  });

  const GATEWAY = `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: gw, namespace: egress }
spec: { template: { metadata: { labels: { istio: gw }, annotations: { inject.istio.io/templates: gateway } } } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec:
  selector: { istio: gw }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [site.example.com] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: site, namespace: shop }
spec:
  hosts: [site.example.com]
  gateways: [mesh, egress/exit]
  http:
    - match: [{ gateways: [mesh], port: 80 }]
      route: [{ destination: { host: gw.egress.svc.cluster.local, port: { number: 80 } } }]
    - route: [{ destination: { host: site.example.com, port: { number: 80 } } }]
`;
  const service = (name: string, targetPort: number) => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: egress }
spec: { selector: { istio: gw }, ports: [{ name: http, port: 80, targetPort: ${targetPort} }] }
`;

  test('two Services that map a port of a gateway to different pod ports: it listens on one of them', () => {
    const yaml = `${ENTRY}${GATEWAY}${service('gw', 8080)}`;
    const http = 'http://site.example.com/';
    expect(ask(`${yaml}${service('other', 8080)}`, 'shop/app', http).alternatives).toEqual([]);
    const answer = ask(`${yaml}${service('other', 8081)}`, 'shop/app', http);
    expect(answer).toMatchObject({
      outcome: 'answered',
      via: 'gateway',
      alternatives: [{ answer: { outcome: 'refused', by: 'gateway', symptom: 503 } }],
    });
    expect(isPlainYes(answer)).toBe(false);
    // A row of a table holds if every answer meets it that is left to chance.
    expect(unmetExpectations({ outcome: 'answered' }, answer)).toEqual([
      expect.stringMatching(
        /^outcome: expected answered, the model says refused .*, by chance: Services of egress\/gw map/,
      ),
    ]);
  });

  test('a gateway that is said to be installed maps each port to itself, as the hop beside it does', () => {
    const gateway = GATEWAY.slice(GATEWAY.indexOf('---\napiVersion: networking'))
      .replaceAll('istio: gw', 'istio: egressgateway')
      .replaceAll('gw.egress', 'istio-egressgateway.egress');
    const hop = service('istio-egressgateway-hop', 80).replaceAll('istio: gw', 'istio: egressgateway');
    const knownGateways = [{ name: 'istio-egressgateway', namespace: 'egress' }];
    const see = (world: World) => ask(`${ENTRY}${gateway}${hop}`, 'shop/app', 'http://site.example.com/', world);
    expect(see({ ...LOCKED, knownGateways })).toMatchObject({ outcome: 'answered', via: 'gateway', alternatives: [] });
    // Without that, its Service may lead elsewhere.
    expect(isPlainYes(see(LOCKED))).toBe(false);
  });

  test('of many endpoints, those that answer otherwise are listed first; of too many, nothing is said', () => {
    const entry = (count: number) => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: many, namespace: shop }
spec:
  hosts: [site.example.com]
  location: MESH_EXTERNAL
  resolution: STATIC
  endpoints: [${Array.from({ length: count }, (_, index) => `{ address: 203.0.${Math.floor(index / 256)}.${index % 256} }`).join(', ')}]
  ports: [{ number: 443, name: tls, protocol: TLS }]
`;
    const answer = ask(entry(20), 'shop/app', 'https://site.example.com/');
    expect(answer.alternatives).toHaveLength(16);
    expect(ask(entry(300), 'shop/app', 'https://site.example.com/')).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringContaining('more than 256 branches'),
    });
  });

  test('of many destinations, a rare refusal is listed', () => {
    const ports = Array.from({ length: 20 }, (_, at) => 8000 + at);
    const port = (number: number) => `{ number: ${number}, name: http-${number}, protocol: HTTP }`;
    const to = (number: number, weight: number) =>
      `{ destination: { host: site.example.com, port: { number: ${number} } }, weight: ${weight} }`;
    const entry = istio(
      'ServiceEntry',
      `{ hosts: [site.example.com], resolution: DNS, ports: [${[80, ...ports].map(port).join(', ')}] }`,
    );
    const split = routes(`{ route: [${[...ports.map((one) => to(one, 5)), to(1, 1)].join(', ')}] }`);
    const answer = ask(entry + split, 'shop/app', 'http://site.example.com/');
    expect(answer).toMatchObject({ outcome: 'answered', alternatives: { length: 16 } });
    expect(isPlainYes(answer)).toBe(false);
  });

  test('two entries of one namespace with different resolution for different namespaces', () => {
    const other = (address: string) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: other, namespace: shop, creationTimestamp: 2026-01-02T00:00:00Z }
spec:
  hosts: [site.example.com]
  exportTo: [egress]
  location: MESH_EXTERNAL
  resolution: DNS_ROUND_ROBIN
  endpoints: [{ address: ${address} }]
  ports: [{ number: 80, name: http, protocol: HTTP }]
`;
    const asked = (year: number) => {
      const own = ENTRY.replace('metadata: {', `metadata: { creationTimestamp: ${year}-01-01T00:00:00Z,`);
      return ask(`${own}${other('elsewhere.example.com')}`, 'shop/app', 'http://site.example.com/');
    };
    // A younger one with DNS_ROUND_ROBIN gives no endpoint of its own, so both clusters lead to the same place.
    expect(asked(2025)).toMatchObject({ outcome: 'answered', alternatives: [] });
    // An older one has a cluster with the endpoints of both, which Envoy rejects.
    expect(asked(2027)).toMatchObject({ outcome: 'undetermined' });
  });

  test('two entries of one namespace with different names of a port for different namespaces', () => {
    const entry = (name: string, portName: string, exportTo: string, endpoint: string) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [site.example.com]
  exportTo: ["${exportTo}"]
  resolution: STATIC
  endpoints: [${endpoint}]
  ports: [{ number: 80, name: ${portName}, protocol: HTTP }]
`;
    const own = entry('a', 'http', '.', '');
    const asked = (other: string) =>
      ask(`${own}${other}`, 'shop/app', 'http://site.example.com/', { undatedAge: 'same' });
    expect(asked(entry('b', 'web', '*', '{ address: 203.0.113.7 }'))).toMatchObject({
      outcome: 'refused',
      alternatives: [
        { because: expect.stringMatching(/the cluster of either, here that of b/), answer: { outcome: 'answered' } },
      ],
    });
    // Endpoints of a port with the same name are those of both, whichever proxy asks first.
    expect(asked(entry('b', 'http', '*', '{ address: 203.0.113.7 }')).outcome).toBe('answered');
  });
});

describe('ServiceEntries of one namespace for one host', () => {
  const entry = (name: string, port: number, created?: string) =>
    '---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: ' +
    `${name}, namespace: shop${created === undefined ? '' : `, creationTimestamp: "${created}"`} }\n` +
    `spec: { hosts: [site.example.com], exportTo: [${name === 'a' ? '.' : 'shop'}], resolution: DNS, ports: [{ number: ${port}, ` +
    'name: http, protocol: HTTP }] }\n';
  const at80 = (...entries: string[]) => ask(entries.join(''), 'shop/app', 'http://site.example.com/');
  const [older, younger] = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'];

  test('that were created in the same second: which of them a proxy gets is chance', () => {
    const answer = at80(entry('a', 80, older), entry('b', 8080, older));
    expect(answer).toMatchObject({
      outcome: 'answered',
      alternatives: [{ answer: { outcome: 'refused', by: 'sidecar' } }],
    });
    expect(answer.alternatives[0].because).toMatch(/by chance, and ServiceEntry shop\/b may come first/);
    expect(isPlainYes(answer)).toBe(false);
  });

  test('of which one is older: it counts', () => {
    expect(at80(entry('a', 80, older), entry('b', 8080, younger))).toMatchObject({
      outcome: 'answered',
      alternatives: [],
    });
    expect(at80(entry('a', 80, younger), entry('b', 8080, older))).toMatchObject({
      outcome: 'refused',
      alternatives: [],
    });
  });

  test('that say the same: it does not matter', () => {
    expect(at80(entry('a', 80, older), entry('b', 80, older))).toMatchObject({ outcome: 'answered', alternatives: [] });
  });
});

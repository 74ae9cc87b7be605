/** What is behind a Kubernetes Service: pods of a gateway, or addresses that somebody has written. */
import { ask, ENTRY, EXIT_PODS, LOCKED, passThroughGateway } from './support';

describe('addresses of an EndpointSlice', () => {
  const slice = (addressType: string, address: string) => `---
apiVersion: v1
kind: Service
metadata: { name: site, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: site-1, namespace: shop, labels: { kubernetes.io/service-name: site } }
addressType: ${addressType}
endpoints: [{ addresses: ['${address}'] }]
ports: [{ name: http, port: 80 }]
`;
  const see = (objects: string) => ask(objects, 'shop/cart', 'http://site.shop.svc.cluster.local/');

  test('are endpoints', () => {
    expect(see(slice('IPv4', '203.0.113.7'))).toMatchObject({ outcome: 'answered' });
  });

  test('are not endpoints where they are names', () => {
    expect(see(slice('FQDN', 'site.example.com'))).toMatchObject({ outcome: 'refused', by: 'sidecar', symptom: 503 });
  });
});

describe('pods of a gateway', () => {
  const pods = (rest: string, env = '') => `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: exit, namespace: egress }
spec: { ${rest}template: { metadata: { labels: { istio: exit } }, spec: { containers: [{ name: istio-proxy, args: [router], env: [${env}] }] } } }
`;
  const onPort = (targetPort: number) => passThroughGateway().replace('8443', `${targetPort}`);
  const see = (objects: string) => ask(ENTRY + objects, 'shop/cart', 'https://site.example.com/');

  test.each(['{}', 'null'])('are behind no Service with the selector %s', (selector) => {
    const objects =
      pods('') +
      onPort(8443).replace('spec: { selector: { istio: exit }, ports', `spec: { selector: ${selector}, ports`);
    expect(see(pods('') + onPort(8443)).outcome).toBe('answered');
    expect(see(objects)).toMatchObject({ outcome: 'undetermined', reason: expect.stringMatching(/has no selector/) });
    const all = { ...LOCKED, gateways: [EXIT_PODS] };
    expect(ask(ENTRY + objects, 'shop/cart', 'https://site.example.com/', all)).toMatchObject({
      outcome: 'refused',
      by: 'sidecar',
      reason: 'exit.egress.svc.cluster.local has no endpoints',
    });
  });

  test('that write no debug headers pass on what a sidecar says of its attempts', () => {
    const [, service] = passThroughGateway().split('---\n');
    const http = `---
${service}---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec: { selector: { istio: exit }, servers: [{ port: { number: 443, name: http, protocol: HTTP }, hosts: ['*'] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: site, namespace: egress }
spec:
  hosts: [site.example.com]
  gateways: [mesh, exit]
  http:
    - match: [{ gateways: [mesh], port: 80 }]
      route: [{ destination: { host: exit.egress.svc.cluster.local, port: { number: 443 } } }]
    - match: [{ gateways: [exit], port: 443 }]
      route: [{ destination: { host: site.example.com, port: { number: 80 } } }]
      rewrite: { authority: www.site.example.com }
`;
    const config = "annotations: { proxy.istio.io/config: 'proxyHeaders: { envoyDebugHeaders: { disabled: true } }' }";
    const added = (labels: string) =>
      ask(ENTRY + pods('').replace('labels: { istio: exit }', labels) + http, 'shop/cart', 'http://site.example.com/')
        .addedHeaders;
    expect(added('labels: { istio: exit }')).toEqual(
      expect.arrayContaining(['x-envoy-attempt-count', 'x-envoy-original-host']),
    );
    expect(added(`labels: { istio: exit }, ${config}`)).toContain('x-envoy-attempt-count');
    expect(added(`labels: { istio: exit }, ${config}`)).not.toContain('x-envoy-original-host');
  });

  test.each(['true', '"1"'])('listen on no port below 1024 where they have no privileges: %s', (value) => {
    const unprivileged = pods('', `{ name: ISTIO_META_UNPRIVILEGED_POD, value: ${value} }`);
    expect(see(unprivileged + onPort(443))).toMatchObject({
      outcome: 'refused',
      by: 'gateway',
      causes: [{ kind: 'Deployment', field: 'spec.template.spec.containers[0].env[0]' }],
    });
    expect(see(unprivileged + onPort(1024))).toMatchObject({ outcome: 'answered', via: 'gateway' });
  });

  test('listen on every port where nothing says that they have no privileges', () => {
    const not = pods('', '{ name: ISTIO_META_UNPRIVILEGED_POD, value: "false" }');
    for (const objects of [pods(''), not, not.replace('istio-proxy', 'app').replace('false', 'true')])
      expect(see(objects + onPort(443))).toMatchObject({ outcome: 'answered', via: 'gateway' });
  });

  test('have privileges on a condition where the configuration of the proxy has the variable', () => {
    const config = 'annotations: { proxy.istio.io/config: \'proxyMetadata: { ISTIO_META_UNPRIVILEGED_POD: "true" }\' }';
    const configured = pods('').replace('labels: { istio: exit }', `labels: { istio: exit }, ${config}`);
    expect(see(configured + onPort(443)).condition).toMatchObject({
      holds: 'ISTIO_META_UNPRIVILEGED_POD of Deployment egress/exit changes nothing',
    });
  });

  test.each([
    ['gatewayTopology: { proxyProtocol: {} }', 'gatewayTopology.proxyProtocol'],
    ['gatewayTopology: { numTrustedProxies: 2 }', undefined],
    ['proxyMetadata: { ISTIO_META_NETWORK: 1 }', 'ISTIO_META_NETWORK'],
    ['connectionSettings: { httpRequestTimeout: 1s }', 'connectionSettings'],
    ['runtimeValues: { a: "1" }', 'runtimeValues'],
    ['runtimeValues: {}', undefined],
    ['concurrency: x', 'concurrency'],
  ])('expect nothing unusual of callers, on a condition: %s', (config, field) => {
    const annotations = `labels: { istio: exit }, annotations: { proxy.istio.io/config: '${config}' }`;
    const holds = field && `${field} of Deployment egress/exit changes nothing`;
    expect(see(pods('').replace('labels: { istio: exit }', annotations) + onPort(8443)).condition?.holds).toBe(holds);
  });

  test('are as pod templates say where an access table lists them, but for their number', () => {
    const listed = (objects: string, targetPort: number) =>
      ask(ENTRY + objects + onPort(targetPort), 'shop/cart', 'https://site.example.com/', {
        ...LOCKED,
        gateways: [{ ...EXIT_PODS, targetPort }],
      });
    expect(listed(pods('', '{ name: ISTIO_META_UNPRIVILEGED_POD, value: "true" }'), 443)).toMatchObject({
      outcome: 'refused',
      by: 'gateway',
    });
    expect(listed(pods('', '{ name: XDS_ROOT_CA, value: /mine.pem }'), 8443)).toMatchObject({
      outcome: 'answered',
      condition: { holds: 'XDS_ROOT_CA of Deployment egress/exit changes nothing' },
    });
    expect(listed(pods('', '{ name: XDS_ROOT_CA, value: a }, { name: CREDENTIAL, value: b }'), 8443)).toMatchObject({
      condition: { holds: 'XDS_ROOT_CA and CREDENTIAL of Deployment egress/exit change nothing' },
    });
    expect(listed(pods('replicas: 0, '), 8443).condition).toBeUndefined();
  });

  test('are a gateway on a condition where nothing gives them the proxy of one', () => {
    const holds = (objects: string) => see(objects + onPort(8443)).condition?.holds;
    const asking = pods('').replace('args: [router]', 'image: auto');
    const injected = asking.replace('} }, spec', '}, annotations: { inject.istio.io/templates: gateway } }, spec');
    const namespace = (labels: string) =>
      `---\napiVersion: v1\nkind: Namespace\nmetadata: { name: egress, labels: ${labels} }\n`;
    expect(holds(asking)).toMatch(/they lack the annotation inject\.istio\.io\/templates: gateway$/);
    expect(holds(injected)).toBeUndefined();
    expect(holds(injected + namespace('{ istio-injection: disabled }'))).toMatch(/nothing is injected into them$/);
    expect(holds(injected + namespace('{}'))).toMatch(/^the pods of egress are injected, although/);
    expect(holds(injected + namespace('{ istio-injection: enabled }'))).toBeUndefined();
    expect(holds(pods('') + namespace('{ istio-injection: disabled }'))).toBeUndefined();
  });

  test('are reached on a condition where the Service names a port that they lack', () => {
    const named = pods('') + passThroughGateway().replace('targetPort: 8443', 'targetPort: tls');
    const ports = (name: string) => named.replace('args:', `ports: [{ name: ${name}, containerPort: 8443 }], args:`);
    expect(see(named).condition?.holds).toMatch(/^all pods of Service egress\/.* have a port called tls$/);
    expect(see(ports('other')).condition?.holds).toMatch(/called tls$/);
    expect(see(ports('tls')).condition).toBeUndefined();
    // Another Deployment with the same labels, before or after it.
    const [other] = ports('other').split('\n---\n');
    const second = other.replace(/name: \w+/, 'name: second');
    for (const both of [`${ports('tls')}\n---\n${second}`, `${second}\n---\n${ports('tls')}`])
      expect(see(both).condition?.holds).toMatch(/^all pods of .* called tls$/);
  });

  test('are there on a condition where their replicas are 0', () => {
    const scaled = (replicas: string) => see(pods(replicas) + onPort(8443));
    expect(scaled('replicas: 0, ')).toMatchObject({
      outcome: 'answered',
      condition: { holds: 'Deployment egress/exit has pods, although its replicas are 0' },
    });
    for (const replicas of ['', 'replicas: 1, ']) expect(scaled(replicas).condition).toBeUndefined();
  });

  test('are reached on a condition where the Service stays on the node', () => {
    const local = (policy: string) =>
      see(
        pods('') +
          onPort(8443).replace('selector: { istio: exit }, ports', `${policy}selector: { istio: exit }, ports`),
      );
    const holds = 'a pod of Service egress/exit runs on the node from which it is called';
    expect(local('internalTrafficPolicy: Local, ')).toMatchObject({ outcome: 'answered', condition: { holds } });
    for (const policy of ['', 'internalTrafficPolicy: Cluster, ']) expect(local(policy).condition).toBeUndefined();
  });
});

describe('written endpoints', () => {
  const service = (spec: string) => `---
apiVersion: v1
kind: Service
metadata: { name: site, namespace: shop }
spec: { ${spec} }
`;
  const slice = (port: string, more = '') => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: site-1, namespace: shop, labels: { kubernetes.io/service-name: site } }
addressType: IPv4
endpoints: [{ addresses: [203.0.113.7]${more} }]
ports: [{ ${port} }]
`;
  const PORTS = 'ports: [{ name: http, port: 80 }]';
  const see = (objects: string, world = LOCKED) =>
    ask(objects, 'shop/cart', 'http://site.shop.svc.cluster.local/', world);
  const ALL = { ...LOCKED, gateways: [{ ...EXIT_PODS, namespace: 'shop' }] };

  test('are of the port with the same name only, also where it is the only one', () => {
    const unnamed = service('ports: [{ port: 80, appProtocol: http }]');
    expect(see(unnamed + slice('port: 80')).outcome).toBe('answered');
    expect(see(unnamed + slice('name: web, port: 80'))).toMatchObject({ outcome: 'refused', symptom: 503 });
  });

  test('are in no subset by labels', () => {
    const subset = (labels: string) => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: site, namespace: shop }
spec: { host: site, subsets: [{ name: a, labels: { ${labels} } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: site, namespace: shop }
spec: { hosts: [site], http: [{ route: [{ destination: { host: site, subset: a } }] }] }
`;
    const objects = service(PORTS) + slice('name: http, port: 80');
    expect(see(objects + subset('version: v1'))).toMatchObject({ outcome: 'refused', symptom: 503 });
    expect(see(objects + subset('topology.istio.io/cluster: a')).outcome).toBe('undetermined');
  });

  test('are beside the pods that a selector finds', () => {
    const objects = service(`selector: { istio: exit }, ${PORTS}`) + slice('name: http, port: 80');
    expect(see(objects, ALL).alternatives.length + see(objects).alternatives.length).toBeGreaterThan(0);
    const ofPods = slice('name: http, port: 80', ', targetRef: { kind: Pod, name: a, namespace: shop }');
    expect(see(service(`selector: { istio: exit }, ${PORTS}`) + ofPods, ALL).alternatives).toEqual([]);
  });

  test('that are pods are not followed', () => {
    const ofPods = slice('name: http, port: 80', ', targetRef: { kind: Pod, name: a, namespace: shop }');
    for (const world of [LOCKED, ALL])
      expect(see(service(PORTS) + ofPods, world)).toMatchObject({
        outcome: 'undetermined',
        reason: expect.stringMatching(/are pods/),
      });
  });

  test('are on no node', () => {
    const objects = service(`internalTrafficPolicy: Local, ${PORTS}`) + slice('name: http, port: 80');
    expect(see(objects, ALL)).toMatchObject({ outcome: 'refused', symptom: 503 });
  });

  test('of a port for TCP are those beside a port of the same number for UDP', () => {
    const both = service('ports: [{ name: udp, port: 80, protocol: UDP }, { name: http, port: 80 }]');
    expect(see(both + slice('name: http, port: 80')).outcome).toBe('answered');
  });
});

import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import { ask, ENTRY, passThroughGateway } from './support';
import { AccessTable } from '../../src/access/access-table';
import { readManifests } from '../../src/reading/read-manifests';
import { EgressModel, World, worldOf } from '../../src/model';

const EXAMPLES = path.join(__dirname, '../../examples');
const CLUSTER = readManifests([path.join(__dirname, 'whole-cluster')]);

test('the export of a cluster is read without a problem', () => {
  expect({ problems: CLUSTER.problems, objects: CLUSTER.objects.length }).toEqual({ problems: [], objects: 20 });
});

describe('beside the export of a whole cluster every answer stays what it was', () => {
  const names = fs
    .readdirSync(EXAMPLES)
    .filter((name) => fs.existsSync(path.join(EXAMPLES, name, 'access.yaml')))
    .sort();

  test.each(names)('%s', (name) => {
    const own = readManifests([path.join(EXAMPLES, name, 'manifests')]).objects;
    const table: AccessTable = parse(fs.readFileSync(path.join(EXAMPLES, name, 'access.yaml'), 'utf8'));
    const worlds: World[] = [worldOf(table), { mesh: table.mesh }];
    for (const world of worlds) {
      const alone = EgressModel.of(own, world);
      const beside = EgressModel.of([...own, ...CLUSTER.objects], world);
      for (const { from, request: url, method, headers, dial, follow, speak, without } of table.access) {
        if (without) continue;
        const caller = table.callers.find((one) => one.name === from)!;
        const request = { url, method, headers, dial, follow, speak };
        expect(beside.ask(caller, request)).toEqual(alone.ask(caller, request));
      }
    }
  });
});

describe('what can reach a request still makes it undetermined', () => {
  const object = (apiVersion: string, kind: string, spec: string, namespace = 'shop') =>
    `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x, namespace: ${namespace} }\nspec: ${spec}\n`;
  const filter = (patch: string) =>
    object('networking.istio.io/v1alpha3', 'EnvoyFilter', `{ configPatches: [${patch}] }`);
  const proxyConfig = (spec: string) => object('networking.istio.io/v1beta1', 'ProxyConfig', spec);
  const wasm = (spec: string) => object('extensions.istio.io/v1alpha1', 'WasmPlugin', spec);
  const route = (kind: string, parent: string) =>
    object('gateway.networking.k8s.io/v1', kind, `{ parentRefs: [${parent}] }`);
  const outcome = (yaml: string) => ask(`${ENTRY}${yaml}`, 'shop/app', 'http://site.example.com/').outcome;

  test.each([
    ['no context', filter('{ applyTo: CLUSTER, patch: { operation: MERGE } }')],
    ['any context', filter('{ applyTo: HTTP_FILTER, match: { context: ANY }, patch: { operation: REMOVE } }')],
    ['the bootstrap', filter('{ applyTo: BOOTSTRAP, match: { context: GATEWAY }, patch: { operation: MERGE } }')],
    [
      'one of two patches',
      filter(
        '{ applyTo: CLUSTER, match: { context: GATEWAY }, patch: {} }, { applyTo: CLUSTER, patch: { operation: ' +
          'MERGE } }',
      ),
    ],
    [
      'metrics, in words that Envoy may not understand',
      filter('{ applyTo: HTTP_FILTER, patch: { operation: INSERT_BEFORE, value: { name: istio.stats } } }'),
    ],
    ['DNS capture', proxyConfig('{ environmentVariables: { ISTIO_META_DNS_CAPTURE: "true" } }')],
    ['a plugin for both directions', wasm('{ url: x }')],
    ['a plugin on the way out', wasm('{ url: x, match: [{ mode: SERVER }, { mode: CLIENT }] }')],
    ['a route of the host', route('HTTPRoute', '{ group: networking.istio.io, kind: ServiceEntry, name: site }')],
    ['bytes of another host', route('TCPRoute', '{ group: networking.istio.io, kind: ServiceEntry, name: other }')],
  ])('%s', (_what, yaml) => {
    expect(outcome(yaml)).toBe('undetermined');
  });

  test.each([
    [
      'the other roles',
      filter('{ applyTo: CLUSTER, match: { context: SIDECAR_INBOUND }, patch: { operation: MERGE } }'),
    ],
    ['threads', proxyConfig('{ concurrency: 2 }')],
    ['a plugin for inbound requests', wasm('{ url: x, match: [{ mode: SERVER }] }')],
    ['a route of another host', route('HTTPRoute', '{ group: networking.istio.io, kind: ServiceEntry, name: other }')],
    ['a route of a Service', route('HTTPRoute', '{ group: "", kind: Service, name: site }')],
    ['a route of an ingress', route('TLSRoute', '{ name: public, namespace: ingress }')],
  ])('but not %s', (_what, yaml) => {
    expect(outcome(yaml)).toBe('answered');
  });

  const GATEWAY = passThroughGateway();
  const apiGateway = (spec: string) => object('gateway.networking.k8s.io/v1', 'Gateway', spec, 'egress');
  const through = (yaml: string) => ask(`${ENTRY}${GATEWAY}${yaml}`, 'shop/app', 'https://site.example.com/').outcome;

  test.each([
    ['is served by the same pods', '{ gatewayClassName: istio, addresses: [{ value: exit }] }', 'undetermined'],
    ['may be', '{ gatewayClassName: istio, addresses: [{ value: unknown.egress.svc.cluster.local }] }', 'undetermined'],
    ['has pods of its own', '{ gatewayClassName: istio, listeners: [] }', 'answered'],
  ])('a Gateway of the Gateway API that %s', (_what, spec, expected) => {
    expect(through(apiGateway(spec))).toBe(expected);
  });

  test('a waypoint, which sidecars never meet, and gateways only where a Service or its Namespace asks for it', () => {
    const waypoint = apiGateway('{ gatewayClassName: istio-waypoint, listeners: [] }');
    const asking = (label: string) =>
      `---\napiVersion: v1\nkind: Namespace\nmetadata: { name: egress, labels: { istio.io/${label}: x } }\nspec: {}\n`;
    expect(outcome(waypoint + asking('ingress-use-waypoint'))).toBe('answered');
    expect(through(waypoint + asking('use-waypoint'))).toBe('answered');
    expect(through(waypoint + asking('ingress-use-waypoint'))).toBe('undetermined');
  });

  test('a route to the Service of a Gateway of the Gateway API', () => {
    const yaml = GATEWAY.replace('host: exit.egress', 'host: x-istio.egress');
    const withGateway = `${ENTRY}${yaml}${apiGateway('{ gatewayClassName: istio, listeners: [] }')}`;
    expect(
      ask(withGateway, 'shop/app', 'https://site.example.com/', {
        mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
        gateways: [],
      }),
    ).toMatchObject({ outcome: 'undetermined', reason: expect.stringMatching(/Service of Gateway egress\/x/) });
  });
});

import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { ask, ENTRY } from './support';
import { Shape } from '../../src/schema/shape';
import { SPECS } from '../../src/model/objects/well-formed';

const object = (
  kind: string,
  spec: string,
  apiVersion = kind === 'AuthorizationPolicy' ? 'security.istio.io/v1' : 'networking.istio.io/v1',
) => `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x, namespace: shop }\nspec: ${spec}\n`;

describe('what every API server rejects is named, with what is allowed, and nothing is guessed', () => {
  test.each<[string, string, RegExp]>([
    [
      'VirtualService',
      '{ hosts: site.example.com }',
      /VirtualService shop\/x .*spec\.hosts: "site\.example\.com" is not allowed; it is a list/,
    ],
    ['ServiceEntry', '{ hosts: site.example.com }', /spec\.hosts: .* a list/],
    ['ServiceEntry', '{ hosts: [site.example.com], ports: { number: 443 } }', /spec\.ports: .* a list/],
    [
      'ServiceEntry',
      '{ hosts: [site.example.com], ports: [{ number: "443", name: a, protocol: TLS }] }',
      /spec\.ports\[0\]\.number: "443" .* a whole number/,
    ],
    [
      'ServiceEntry',
      '{ hosts: [site.example.com], ports: [{ number: 443, name: a, protocol: TLSS }] }',
      /protocol: "TLSS" .*HTTP2, .* or HTTP_PROXY/,
    ],
    [
      'ServiceEntry',
      '{ hosts: [site.example.com], resolution: DNSS }',
      /resolution: "DNSS" is not allowed; it is NONE, STATIC, DNS, DNS_ROUND_ROBIN or DYNAMIC_DNS/,
    ],
    ['ServiceEntry', '{ hosts: [site.example.com], location: OUTSIDE }', /location: "OUTSIDE"/],
    [
      'DestinationRule',
      '{ host: site.example.com, trafficPolicy: { tls: { mode: SIMPEL } } }',
      /trafficPolicy\.tls\.mode: "SIMPEL" .*ISTIO_MUTUAL/,
    ],
    [
      'DestinationRule',
      '{ host: site.example.com, trafficPolicy: { loadBalancer: { simple: LEAST } } }',
      /loadBalancer\.simple: "LEAST"/,
    ],
    ['DestinationRule', '{ host: [site.example.com] }', /spec\.host: .* text/],
    [
      'Gateway',
      '{ servers: [{ port: { number: 443, name: a, protocol: TLS }, hosts: ["*"], tls: { mode: PASTHROUGH } }] }',
      /servers\[0\]\.tls\.mode/,
    ],
    ['Sidecar', '{ outboundTrafficPolicy: { mode: REGISTRY } }', /outboundTrafficPolicy\.mode: "REGISTRY"/],
    ['AuthorizationPolicy', '{ action: ALOW }', /action: "ALOW"/],
    [
      'ServiceEntyr',
      '{ hosts: [site.example.com] }',
      /there is no "ServiceEntyr" in networking\.istio\.io; its kinds are ServiceEntry/,
    ],
    ['ServiceEntry', 'site.example.com', /spec: .* an object/],
  ])('%s %s', (kind, spec, reason) => {
    expect(ask(`${ENTRY}${object(kind, spec)}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(reason),
      causes: [{ name: 'x' }],
    });
  });

  test('a creationTimestamp that is not a timestamp', () => {
    const entry = object('ServiceEntry', '{ hosts: [site.example.com] }').replace(
      'namespace: shop',
      'namespace: shop, creationTimestamp: yesterday',
    );
    expect(ask(`${ENTRY}${entry}`, 'shop/app', 'http://site.example.com/').reason).toMatch(
      /creationTimestamp: "yesterday" is not a timestamp/,
    );
  });

  test('an unknown version', () => {
    expect(
      ask(
        `${ENTRY}${object('ServiceEntry', '{ hosts: [site.example.com] }', 'networking.istio.io/v9')}`,
        'shop/app',
        'http://site.example.com/',
      ).reason,
    ).toContain(
      'apiVersion: "networking.istio.io/v9" is not a version of networking.istio.io; it is networking.istio.io/v1, ',
    );
  });
});

test('a malformed object for another host leaves the answer unchanged', () => {
  const other =
    object('ServiceEntry', '{ hosts: other.example.com }') +
    object('DestinationRule', '{ host: "*.example.org", trafficPolicy: { tls: { mode: X } } }');
  expect(ask(`${ENTRY}${other}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
});

test('a name that Kubernetes does not take', () => {
  const named = object('VirtualService', '{ hosts: [site.example.com] }').replace('name: x', 'name: site_of_shop');
  expect(ask(`${ENTRY}${named}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining('metadata.name: "site_of_shop" is not made of lower-case letters'),
  });
});

test("a malformed object for a destination of the host's routes makes it undetermined", () => {
  const routed =
    object(
      'VirtualService',
      '{ hosts: [site.example.com], ' +
        'http: [{ route: [{ destination: { host: exit.egress.svc.cluster.local } }] }] }',
    ) +
    object('DestinationRule', '{ host: exit.egress.svc.cluster.local, trafficPolicy: { tls: { mode: X } } }').replace(
      'name: x',
      'name: exit',
    );
  expect(ask(`${ENTRY}${routed}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    causes: [{ name: 'exit' }],
  });
});

describe("types and allowed values are those of Istio's CRDs", () => {
  const crds = parseAllDocuments(fs.readFileSync(path.join(__dirname, '../../crds/istio.yaml'), 'utf8')).map(
    (document) => document.toJS(),
  );

  function schemaDifferences(own: Shape, theirs: any, place: string): string[] {
    if (!theirs) return [`${place}: missing in the CRD`];
    if (own.enum && theirs.enum)
      return [...own.enum].sort().join() ===
        [...theirs.enum]
          .filter((word) => !/^\d+$/.test(word))
          .sort()
          .join()
        ? []
        : [`${place}: ${theirs.enum}`];
    const type = own.enum ? 'string' : own.type;
    if (type !== theirs.type) return [`${place}: ${type}, and the CRD has ${theirs.type}`];
    return [
      ...Object.entries(own.properties ?? {}).flatMap(([name, shape]) =>
        schemaDifferences(shape, theirs.properties?.[name], `${place}.${name}`),
      ),
      ...(own.items ? schemaDifferences(own.items, theirs.items, `${place}[]`) : []),
      ...(typeof own.additionalProperties === 'object'
        ? schemaDifferences(own.additionalProperties, theirs.additionalProperties, `${place}.*`)
        : []),
    ];
  }

  test.each(Object.keys(SPECS))('%s', (kind) => {
    const crd = crds.find(
      (one) =>
        one?.kind === 'CustomResourceDefinition' &&
        one.spec.names.kind === kind &&
        one.spec.group !== 'gateway.networking.k8s.io',
    );
    expect(schemaDifferences(SPECS[kind], crd.spec.versions[0].schema.openAPIV3Schema.properties.spec, kind)).toEqual(
      [],
    );
  });
});

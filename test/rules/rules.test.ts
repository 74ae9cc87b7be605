import * as fs from 'fs';
import * as path from 'path';
import * as fc from '../support/fast-check';
import { rulesPage } from './rules-page';
import { istio, objectsOf } from './support';
import { Manifest } from '../../src/manifests/egress-object';
import { checkManifests, EgressObject, RULES } from '../../src/rules';

const EVERY = RULES.map((rule) => [rule.code, rule] as const);

describe('every rule', () => {
  test.each(EVERY)('the good example of %s passes every rule', (_code, rule) => {
    expect(checkManifests(objectsOf(rule.good))).toEqual([]);
  });

  test.each(EVERY)(
    'the bad example of %s violates only that rule, and the message names every object with its origin',
    (_code, rule) => {
      const findings = checkManifests(objectsOf(rule.bad));
      expect([...new Set(findings.map((finding) => finding.code))]).toEqual([rule.code]);
      for (const finding of findings) {
        for (const origin of finding.origins) expect(finding.message).toContain(`[${origin}]`);
      }
    },
  );

  test.each(EVERY)('the bad example of %s names a field of the first object', (_code, rule) => {
    const objects = objectsOf(rule.bad);
    for (const { origins, field, severity } of checkManifests(objects)) {
      const { manifest } = objects.find(({ origin }) => origin === origins[0])!;
      // The field itself may be what is missing.
      const around = field
        .split(/[.[\]]+/)
        .filter(Boolean)
        .slice(0, -1);
      expect(around.reduce<any>((value, step) => value?.[step], manifest)).toBeInstanceOf(Object);
      expect(severity).toBe(rule.severity);
    }
  });

  test.each(EVERY)('%s says what it looks for, why, and what to write instead', (_code, rule) => {
    expect(rule.code).toMatch(/^[a-z]+(-[a-z]+)+$/);
    expect(rule.title).toMatch(/^[A-Z].*[^.]$/s);
    expect(rule.reason).toMatch(/^\w.*\.$/s);
    expect(rule.cure).toMatch(/^[A-Z].*\.$/s);
    if (rule.see) expect(new URL(rule.see).protocol).toBe('https:');
  });

  test('is in a file of its name, in order', () => {
    const files = fs.readdirSync(path.join(__dirname, '../../src/rules')).map((file) => file.replace('.ts', ''));
    const rules = files.filter((name) => !name.startsWith('_') && !['index', 'rule'].includes(name));
    expect(RULES.map((rule) => rule.code)).toEqual(rules.sort());
  });

  test('has a test file of its own', () => {
    const files = fs.readdirSync(__dirname);
    expect(RULES.map((rule) => `${rule.code}.test.ts`).filter((file) => !files.includes(file))).toEqual([]);
  });
});

describe('all rules together', () => {
  /** A bad example with namespaces and hosts of its own, so that it does not affect the others. */
  const apart = (yaml: string, suffix: string): EgressObject[] => {
    const namespace = /(?<=namespace: )(?!istio-system)[\w-]+/g;
    const names = new Set(yaml.match(namespace));
    return objectsOf(
      yaml
        .replace(namespace, `$&-${suffix}`)
        .replace(/[\w-]+(?=\/|\.svc)/g, (name) => (names.has(name) ? `${name}-${suffix}` : name))
        .replace(/example\.com/g, `${suffix}.example.com`),
    ).map(({ manifest, origin }) => ({ manifest, origin: `${suffix}/${origin}` }));
  };
  const unrelated = objectsOf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: unrelated, namespace: elsewhere }
spec:
  hosts: [unrelated.example.org]
  exportTo: ["."]
  resolution: DNS
  ports: [{ number: 8443, name: http, protocol: HTTP }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: unrelated, namespace: shop }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: unrelated, namespace: elsewhere }
spec:
  hosts: [unrelated.example.org]
  exportTo: ["."]
  http: [{ route: [{ destination: { host: unrelated.example.org, port: { number: 8443 } } }] }]
`);

  test('an unrelated object neither adds nor hides a finding', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...RULES),
        fc.subarray(unrelated, { minLength: 1 }),
        fc.boolean(),
        (rule, others, first) => {
          const bad = objectsOf(rule.bad);
          const mixed = first ? [...others, ...bad] : [...bad, ...others];
          expect(checkManifests(mixed).map((finding) => finding.message)).toEqual(
            checkManifests(bad).map((finding) => finding.message),
          );
        },
      ),
    );
  });

  test('the order of the objects does not matter', () => {
    const all = RULES.flatMap((rule) => apart(rule.bad, rule.code));
    const expected = checkManifests(all);
    // Another example has a default in the root namespace, beside which a Sidecar with a selector is allowed.
    expect([...new Set(expected.map((finding) => finding.code)), 'root-sidecar-with-selector'].sort()).toEqual(
      RULES.map((rule) => rule.code),
    );
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        expect(checkManifests(shuffled)).toEqual(expected);
      }),
      fc.cases(50),
    );
  });

  test('a kind of another API group is ignored', () => {
    const spec = { hosts: ['a.example.com'], ports: [{ number: 443, protocol: 'HTTP' }] };
    const manifest = {
      apiVersion: 'networking.internal.knative.dev/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'x', namespace: 'x' },
      spec,
    };
    expect(checkManifests([{ manifest, origin: 'x' }])).toEqual([]);
    expect(
      checkManifests([{ manifest: { ...manifest, apiVersion: 'networking.istio.io/v1beta1' }, origin: 'x' }]),
    ).toHaveLength(1);
  });

  test('values that are not objects, and incomplete objects, are ignored', () => {
    const odd = [
      null,
      undefined,
      'text',
      {},
      { kind: 'ServiceEntry' },
      { apiVersion: 'networking.istio.io/v1', kind: 'Sidecar', metadata: {} },
    ].map((manifest) => ({ manifest: manifest as Manifest, origin: 'odd' }));
    const bare = ['ServiceEntry', 'VirtualService', 'DestinationRule', 'Gateway', 'Sidecar'].flatMap((kind) =>
      ['a', 'b'].map((name) => ({
        manifest: { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace: `only-${name}` } },
        origin: `${kind} ${name}`,
      })),
    );
    const hollow = [
      istio('Gateway', 'x/a', { servers: [{}] }),
      istio('VirtualService', 'x/b', { hosts: ['x.com'], http: [{}, { route: [{}] }] }),
      istio('DestinationRule', 'x/c', {
        host: 'x.com',
        subsets: [{ name: 'x' }],
        trafficPolicy: { portLevelSettings: [{}] },
      }),
      istio('Sidecar', 'x/d', { egress: [{}], outboundTrafficPolicy: {} }),
    ];
    // A field with nothing after the colon is null.
    const empty = [
      istio('VirtualService', 'x/e', {
        hosts: ['y.com'],
        gateways: null,
        http: [
          { match: [{ gateways: null }, null], route: [{ destination: { host: 'y.com' } }] },
          { match: null, route: [{ destination: { host: 'y.com' } }] },
        ],
        tls: [{ match: [{ sniHosts: null }], route: [{ destination: { host: 'z.com' } }] }],
        tcp: null,
      }),
      istio('ServiceEntry', 'x/f', { hosts: null, ports: null, exportTo: null }),
      istio('DestinationRule', 'x/g', {
        host: 'z.com',
        trafficPolicy: { tls: null, portLevelSettings: null },
        subsets: null,
      }),
      istio('Gateway', 'x/h', { servers: [{ hosts: null, port: null, tls: null }], selector: null }),
      istio('Sidecar', 'y/i', { egress: [{ hosts: null }] }),
    ];
    expect(checkManifests([...odd, ...bare, ...hollow, ...empty])).toEqual([]);
  });

  test('origins are read only for findings', () => {
    const silent = objectsOf(RULES.map((rule) => rule.good).find((yaml) => yaml.includes('ServiceEntry'))!).map(
      ({ manifest }) => ({
        manifest,
        get origin(): string {
          throw new Error('asked');
        },
      }),
    );
    expect(checkManifests(silent)).toEqual([]);
  });
});

test('docs/rules.md says what the rules say', () => {
  expect(fs.readFileSync(path.join(__dirname, '../../docs/rules.md'), 'utf8')).toBe(rulesPage());
});

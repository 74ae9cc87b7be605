import * as fs from 'fs';
import * as path from 'path';
import * as fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { rulesPage } from './rules-page';
import { checkManifests, EgressObject, RULES } from '../../src/rules';

function objectsOf(yaml: string): EgressObject[] {
  return parseAllDocuments(yaml).map((document, index) => ({ manifest: document.toJS(), origin: `file#${index}` }));
}

const codes = (objects: EgressObject[]) => [...new Set(checkManifests(objects).map(finding => finding.code))];

describe('every rule', () => {
  test.each(RULES.map(rule => [rule.code, rule] as const))('%s lets its good example pass every rule', (_code, rule) => {
    expect(checkManifests(objectsOf(rule.good))).toEqual([]);
  });

  test.each(RULES.map(rule => [rule.code, rule] as const))('%s alone stops its bad example, and names every object with its origin', (_code, rule) => {
    const findings = checkManifests(objectsOf(rule.bad));
    expect([...new Set(findings.map(finding => finding.code))]).toEqual([rule.code]);
    for (const finding of findings) {
      for (const origin of finding.origins) expect(finding.message).toContain(`[${origin}]`);
      expect(finding.cure).not.toBe('');
    }
  });

  test.each(RULES.map(rule => [rule.code, rule] as const))('%s does not depend on the order of the objects', (_code, rule) => {
    const objects = objectsOf(rule.bad);
    expect(codes([...objects].reverse())).toEqual([rule.code]);
  });

  test('stands in a file of its name', () => {
    const files = fs.readdirSync(path.join(__dirname, '../../src/rules')).map(file => file.replace('.ts', '')).filter(name => !['index', 'rule', 'manifest-index'].includes(name));
    expect(files.sort()).toEqual(RULES.map(rule => rule.code).sort());
  });
});

test('an object that has nothing to do with a finding neither adds nor hides one', () => {
  const unrelated = objectsOf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: unrelated, namespace: elsewhere }
spec: { hosts: [unrelated.example.org], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`);
  fc.assert(fc.property(fc.constantFrom(...RULES), fc.boolean(), (rule, first) => {
    const bad = objectsOf(rule.bad);
    const mixed = first ? [...unrelated, ...bad] : [...bad, ...unrelated];
    expect(checkManifests(mixed).map(finding => finding.message)).toEqual(checkManifests(bad).map(finding => finding.message));
  }));
});

describe('edge cases', () => {
  const entry = (name: string, namespace: string, spec: object): EgressObject => ({
    manifest: { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name, namespace }, spec }, origin: name,
  });
  const ports = [{ number: 443, name: 'tls', protocol: 'TLS' }];

  test('a namespace\'s own private entry may differ from a public one', () => {
    expect(codes([
      entry('ours', 'shop', { hosts: ['a.example.com'], exportTo: ['.'], resolution: 'STATIC', ports }),
      entry('public', 'other', { hosts: ['a.example.com'], resolution: 'DNS', ports }),
    ])).toEqual([]);
  });

  test('two public entries of one host with different protocols on a port contradict each other', () => {
    expect(codes([
      entry('a', 'shop', { hosts: ['a.example.com'], resolution: 'DNS', ports }),
      entry('b', 'other', { hosts: ['a.example.com'], resolution: 'DNS', ports: [{ number: 443, name: 'tcp', protocol: 'TCP' }] }),
    ])).toEqual(['service-entry-conflict']);
  });

  test('an entry that is exported to nobody disturbs nobody', () => {
    expect(codes([
      entry('a', 'shop', { hosts: ['a.example.com'], resolution: 'DNS', ports }),
      entry('b', 'other', { hosts: ['a.example.com'], exportTo: ['~'], resolution: 'STATIC', ports }),
    ])).toEqual([]);
  });

  test('the entry\'s own names verify what the rule leaves open', () => {
    const rule = {
      manifest: {
        apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'r', namespace: 'shop' },
        spec: { host: 'a.example.com', trafficPolicy: { tls: { mode: 'SIMPLE', sni: 'a.example.com' } } },
      },
      origin: 'rule',
    };
    expect(codes([rule])).toEqual(['unverified-name']);
    expect(codes([rule, entry('a', 'shop', { hosts: ['a.example.com'], subjectAltNames: ['a.example.com'], resolution: 'DNS', ports })])).toEqual([]);
  });

  test('the root namespace is not always istio-system', () => {
    const sidecar = (name: string, namespace: string, spec: object): EgressObject => ({
      manifest: { apiVersion: 'networking.istio.io/v1', kind: 'Sidecar', metadata: { name, namespace }, spec }, origin: name,
    });
    const objects = [sidecar('lock', 'mesh', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }), sidecar('open', 'shop', { egress: [{ hosts: ['*/*'] }] })];
    expect(checkManifests(objects)).toEqual([]);
    expect(checkManifests(objects, { rootNamespace: 'mesh' }).map(finding => finding.code)).toEqual(['sidecar-without-mode']);
  });

  test('a kind of another API group is none of ours', () => {
    const knative = { manifest: { apiVersion: 'networking.internal.knative.dev/v1', kind: 'ServiceEntry', metadata: { name: 'x', namespace: 'x' }, spec: { hosts: ['a.example.com'], ports: [{ number: 443, protocol: 'HTTP' }] } }, origin: 'x' };
    expect(codes([knative])).toEqual([]);
  });
});

test('docs/rules.md says what the rules say', () => {
  expect(fs.readFileSync(path.join(__dirname, '../../docs/rules.md'), 'utf8')).toBe(rulesPage());
});

import { append, called, canonical, Indexed, visibleIn } from './manifest-index';
import { Rule, Violation } from './rule';

export const destinationRuleConflict: Rule = {
  code: 'destination-rule-conflict',
  title: 'DestinationRules for one host in one namespace that cannot be merged',
  reason: 'Istio merges them only when exportTo is equal (else the youngest wins alone, and the others\' subsets are gone), takes the oldest traffic policy, and the older of two subsets of one name.',
  cure: 'Write one rule for the host, or give all of them the same exportTo, one traffic policy and different subset names.',
  good: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec: { host: api.example.com, exportTo: ["."], subsets: [{ name: a }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: b, namespace: shop }
spec: { host: api.example.com, exportTo: ["."], trafficPolicy: { loadBalancer: { simple: RANDOM } }, subsets: [{ name: b }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec: { host: api.example.com, exportTo: ["."], subsets: [{ name: a }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: b, namespace: shop }
spec: { host: api.example.com, subsets: [{ name: b }] }
`,
  check(index) {
    const byHost = new Map<string, Indexed[]>();
    for (const rule of index.ofKind('DestinationRule')) {
      if (!rule.spec.workloadSelector) append(byHost, `${rule.namespace} ${rule.spec.host}`, rule);
    }
    return [...byHost.values()].filter(rules => rules.length > 1).flatMap(rules => [...unmerged(rules), ...policies(rules), ...subsets(rules)]);
  },
};

function* unmerged(rules: Indexed[]): Iterable<Violation> {
  const byVisibility = new Map<string, Indexed>();
  for (const rule of rules) {
    const key = canonical([...visibleIn(rule)].sort());
    if (!byVisibility.has(key)) byVisibility.set(key, rule);
  }
  const [first, ...others] = byVisibility.values();
  for (const other of others) {
    yield { message: `${called(first)} and ${called(other)} are rules for ${first.spec.host} with different exportTo; Istio keeps the youngest and drops the other's subsets.`, objects: [first, other] };
  }
}

function* policies(rules: Indexed[]): Iterable<Violation> {
  const [first, ...others] = rules.filter(rule => rule.spec.trafficPolicy && Object.keys(rule.spec.trafficPolicy).some(key => rule.spec.trafficPolicy[key] !== undefined));
  for (const other of others) {
    yield { message: `${called(first)} and ${called(other)} both set a traffic policy for ${first.spec.host}; Istio takes the older one.`, objects: [first, other] };
  }
}

function* subsets(rules: Indexed[]): Iterable<Violation> {
  const byName = new Map<string, Indexed>();
  for (const rule of rules) {
    for (const { name } of rule.spec.subsets ?? []) {
      const first = byName.get(name);
      if (first) yield { message: `${called(first)} and ${called(rule)} both define subset "${name}" of ${rule.spec.host}; Istio takes the older one.`, objects: [first, rule] };
      else byName.set(name, rule);
    }
  }
}

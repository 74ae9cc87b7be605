import { append, called, Indexed } from './manifest-index';
import { Rule } from './rule';

export const missingSubset: Rule = {
  code: 'missing-subset',
  title: 'A route to a subset that no DestinationRule defines',
  reason: 'The route then leads to a cluster that does not exist: 503, or a closed connection (IST0101).',
  cure: 'Define the subset in the DestinationRule of the host, or route without one.',
  see: 'https://istio.io/latest/docs/reference/config/analysis/ist0101/',
  good: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec: { host: api.example.com, exportTo: ["."], subsets: [{ name: tls }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], http: [{ route: [{ destination: { host: api.example.com, subset: tls } }] }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec: { host: api.example.com, exportTo: ["."], subsets: [{ name: tls }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], http: [{ route: [{ destination: { host: api.example.com, subset: tsl } }] }] }
`,
  check(index) {
    const byHost = new Map<string, { rules: Indexed[]; subsets: Set<string> }>();
    for (const rule of index.ofKind('DestinationRule')) {
      const known = byHost.get(rule.spec.host) ?? { rules: [], subsets: new Set() };
      known.rules.push(rule);
      for (const { name } of rule.spec.subsets ?? []) known.subsets.add(name);
      byHost.set(rule.spec.host, known);
    }
    const missing = new Map<string, Indexed[]>();
    for (const service of index.ofKind('VirtualService')) {
      for (const route of [...service.spec.http ?? [], ...service.spec.tls ?? [], ...service.spec.tcp ?? []]) {
        for (const { destination } of route.route ?? []) {
          // Where the app has no rule for the host at all, another repository may have it.
          if (destination?.subset !== undefined && byHost.get(destination.host)?.subsets.has(destination.subset) === false) {
            append(missing, `${destination.host} ${destination.subset}`, service);
          }
        }
      }
    }
    return [...missing].flatMap(([key, services]) => {
      const [host, subset] = key.split(' ');
      const { rules, subsets } = byHost.get(host)!;
      return services.map(service => ({
        message: `${called(service)} routes to subset "${subset}" of ${host}, but ${called(rules[0])}${rules.length > 1 ? ` and ${rules.length - 1} more` : ''} define only: ${[...subsets].slice(0, 5).join(', ') || 'none'}.`,
        objects: [service, rules[0]],
      }));
    });
  },
};

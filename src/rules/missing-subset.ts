import { istioObject } from './_examples';
import { Rule, Violation } from './rule';
import { isWildcard } from '../istio/hosts';
import { describe, describeAll, Indexed, IstioObject, joinWords, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { followers, gatewayNamespace, Hop, subsetField } from '../manifests/routes';
import { definesSubset } from '../manifests/subsets';
import { EVERYWHERE, isPrivateToNamespace, describeNamespaces, isSeenFrom, visibleIn } from '../manifests/visibility';
import { valueIn } from '../values/grouping';

const example = (subset: string) => `
${istioObject('DestinationRule', 'shop/a')}
spec: { host: api.example.com, exportTo: ["."], subsets: [{ name: tls }] }
---
${istioObject('VirtualService', 'shop/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  http: [{ route: [{ destination: { host: api.example.com, subset: ${subset} } }] }]
`;

export const missingSubset: Rule = {
  code: 'missing-subset',
  severity: 'error',
  title: 'A route to a subset that no DestinationRule defines for the proxies that use the route',
  reason:
    'The route then leads to a cluster that does not exist: 503, or a closed connection (IST0101). A proxy uses the ' +
    'rules of its own namespace, and those exported to it only if its namespace has none for the host.',
  cure:
    'Define the subset in a DestinationRule for the host in the namespace of the proxies, or route without a ' +
    'subset.',
  see: 'https://istio.io/latest/docs/reference/config/analysis/ist0101/',
  good: example('tls'),
  bad: example('tsl'),
  *check(index) {
    const subsets = new SubsetsByHost(index);
    const reported = new Set<string>();
    const uncertain = index.hops.filter(
      ({ subset, host, virtualService }) =>
        subset && !(staysAtHome(virtualService) && subsets.defines(host, virtualService.namespace, subset)),
    );
    for (const hop of uncertain) {
      for (const one of missing(index, subsets, hop, hop.subset!)) {
        if (!reported.has(one.message)) yield one;
        reported.add(one.message);
      }
    }
  },
};

/** The usual case: only proxies in its own namespace use the VirtualService. */
function staysAtHome(virtualService: IstioObject<'VirtualService'>): boolean {
  const gateways = virtualService.spec.gateways ?? ['mesh'];
  return gateways.every((name) =>
    name === 'mesh'
      ? isPrivateToNamespace(virtualService)
      : gatewayNamespace(virtualService, name) === virtualService.namespace,
  );
}

type SubsetNames = Map<string, Set<string | undefined>>;

/** Most hosts have one or two rules; a gateway's Service has one for each host behind it, and gets a lookup table. */
class SubsetsByHost {
  private readonly tables = new Map<string, SubsetNames>();

  constructor(private readonly index: ManifestIndex) {}

  public defines(host: string, namespace: string, subset: string): boolean {
    const rules = this.index.rulesByHost.get(host);
    if (rules.length > 4) return this.tableOf(host, rules).get(namespace)?.has(subset) ?? false;
    return rules.some((rule) => rule.namespace === namespace && definesSubset(rule, subset));
  }

  private tableOf(host: string, rules: readonly IstioObject<'DestinationRule'>[]): SubsetNames {
    let table = this.tables.get(host);
    if (!table) {
      this.tables.set(host, (table = new Map()));
      for (const rule of rules) {
        const names = valueIn(table, rule.namespace, () => new Set());
        if (rule.spec.subsets) for (const { name } of rule.spec.subsets) names.add(name);
      }
    }
    return table;
  }
}

function* missing(index: ManifestIndex, subsets: SubsetsByHost, hop: Hop, subset: string): Iterable<Violation> {
  const { virtualService, route, host } = hop;
  const { sidecars, gateways } = followers(virtualService, route);
  const namespaces = new Set([
    ...(sidecars ? visibleIn(virtualService) : []),
    ...gateways.map((gateway) => gatewayNamespace(virtualService, gateway)),
  ]);
  const rules = index.rulesFor(host);
  // Another repository may have the rule if the manifests have none but for a wildcard, without subsets.
  if (!rules.some(({ spec }) => !isWildcard(spec.host ?? '') || (spec.subsets?.length ?? 0) > 0)) return;
  const found = new Map<string, { readonly used: IstioObject<'DestinationRule'>[]; readonly namespaces: string[] }>();
  for (const namespace of namespaces) {
    if (subsets.defines(host, namespace, subset)) continue;
    // Which proxies use a public route is not known: any rule may be visible to them.
    const seen = namespace === EVERYWHERE ? rules : rules.filter((rule) => isSeenFrom(rule, namespace));
    const own = seen.filter((rule) => rule.namespace === namespace);
    const used = own.length > 0 ? own : seen;
    if (used.some((rule) => definesSubset(rule, subset))) continue;
    const sorted = ordered(used);
    const key = describeAll(sorted);
    const same = found.get(key);
    if (same) same.namespaces.push(namespace);
    else found.set(key, { used: sorted, namespaces: [namespace] });
  }
  for (const one of found.values())
    yield {
      ...violation(virtualService, host, subset, one.namespaces, ordered(rules), one.used),
      field: subsetField(hop),
    };
}

function violation(
  virtualService: Indexed,
  host: string,
  subset: string,
  namespaces: string[],
  rules: IstioObject<'DestinationRule'>[],
  used: IstioObject<'DestinationRule'>[],
): Omit<Violation, 'field'> {
  const where = namespaces.includes(EVERYWHERE) ? '' : ` for proxies of ${describeNamespaces(namespaces)}`;
  const definers = rules.filter((rule) => definesSubset(rule, subset));
  if (used.length === 0) {
    return {
      message:
        `${describe(virtualService)} routes to subset "${subset}" of ${host}${where}, to which no rule for ` +
        `the host is visible: ${describeAll(rules)}.`,
      objects: [virtualService, ...rules],
    };
  }
  const names = [...new Set(used.flatMap((rule) => (rule.spec.subsets ?? []).map(({ name }) => String(name))))];
  const defined =
    names.length > 0
      ? joinWords(names.length > 5 ? [...names.slice(0, 4), `${names.length - 4} more`] : names)
      : 'none';
  const hidden = definers.length > 0 ? `; not used there: ${describeAll(definers)}` : '';
  return {
    message:
      `${describe(virtualService)} routes to subset "${subset}" of ${host}${where}, but ${describeAll(used)} defines ` +
      `only: ${defined}${hidden}.`,
    objects: [virtualService, ...used, ...definers],
  };
}

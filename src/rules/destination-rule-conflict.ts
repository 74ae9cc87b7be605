import { istioObject } from './_examples';
import { Rule, Violation } from './rule';
import { groupBy } from '../values/grouping';
import { canonical, compare, describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { IstioSpecs } from '../manifests/specs';
import { someNamespaceSeesBoth } from '../manifests/visibility';

export const destinationRuleConflict: Rule = {
  code: 'destination-rule-conflict',
  severity: 'warning',
  title: 'DestinationRules for one host in one namespace that cannot be merged',
  reason:
    'Istio merges them only if exportTo is written identically; otherwise the newest wins and the subsets of the ' +
    'others are lost. Of two traffic policies, or two subsets of one name, it takes the older.',
  cure:
    'Write one rule for the host, or give all rules the same exportTo, a single traffic policy and distinct subset ' +
    'names.',
  good: `
${istioObject('DestinationRule', 'shop/a')}
spec: { host: api.example.com, exportTo: ["."], subsets: [{ name: a }] }
---
${istioObject('DestinationRule', 'shop/b')}
spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy: { loadBalancer: { simple: RANDOM } }
  subsets: [{ name: b }]
`,
  bad: `
${istioObject('DestinationRule', 'shop/a')}
spec: { host: api.example.com, exportTo: ["."], subsets: [{ name: a }] }
---
${istioObject('DestinationRule', 'shop/b')}
spec: { host: api.example.com, subsets: [{ name: b }] }
`,
  *check(index) {
    for (const [host, rules] of index.rulesByHost.several) {
      for (const local of groupBy(rules, (rule) => rule.namespace).several.values()) {
        // Rules with a workloadSelector are merged only with rules that have the same selector.
        const sets = local.some(({ spec }) => spec.workloadSelector)
          ? groupBy(local, selectorKey).several.values()
          : [local];
        for (const same of sets) {
          yield* unmerged(host, same);
          yield* policies(host, same);
          yield* subsets(host, same);
        }
      }
    }
  },
};

function selectorKey({ spec }: IstioObject<'DestinationRule'>): string {
  return spec.workloadSelector ? canonical(spec.workloadSelector.matchLabels ?? {}) : '';
}

/** Compared as written: Istio does not merge `.` with the namespace's name, or no exportTo with `*`. */
function* unmerged(host: string, rules: IstioObject<'DestinationRule'>[]): Iterable<Violation> {
  const first = exportToOf(rules[0].spec);
  if (rules.every(({ spec }) => exportToOf(spec) === first)) return;
  const written = groupBy(rules, ({ spec }) => exportToOf(spec));
  const kinds = [...written.keys()].sort(compare);
  for (const [position, a] of kinds.entries()) {
    for (const b of kinds.slice(position + 1)) {
      // If no namespace sees both, there is nothing to merge.
      if (!someNamespaceSeesBoth(written.get(a)[0], written.get(b)[0])) continue;
      const [some, others] = [ordered(written.get(a)), ordered(written.get(b))];
      yield {
        message:
          `${describeAll(some)} (${a || 'no exportTo'}) and ${describeAll(others)} (${b || 'no exportTo'}) are ` +
          `rules for ${host} with different exportTo; Istio does not merge them, and uses only the newest.`,
        field: 'spec.exportTo',
        objects: [...some, ...others],
      };
    }
  }
}

function exportToOf(spec: IstioSpecs['DestinationRule']): string {
  const exportTo: readonly string[] = spec.exportTo ?? [];
  return exportTo.length === 1 ? exportTo[0] : [...exportTo].sort(compare).join(', ');
}

function* policies(host: string, rules: IstioObject<'DestinationRule'>[]): Iterable<Violation> {
  const setting = rules.filter(({ spec }) => spec.trafficPolicy !== undefined && spec.trafficPolicy !== null);
  if (setting.length < 2 || groupBy(setting, ({ spec }) => canonical(spec.trafficPolicy)).size < 2) return;
  const all = ordered(setting);
  yield {
    message:
      `${describeAll(all)} set different traffic policies for ${host}; Istio takes the oldest and ignores the ` +
      'others.',
    field: 'spec.trafficPolicy',
    objects: all,
  };
}

function* subsets(host: string, rules: IstioObject<'DestinationRule'>[]): Iterable<Violation> {
  const definers = new Map<string | undefined, IstioObject<'DestinationRule'>>();
  const twice = new Map<string | undefined, Set<IstioObject<'DestinationRule'>>>();
  for (const rule of rules) {
    for (const { name } of rule.spec.subsets ?? []) {
      const first = definers.get(name);
      if (!first) definers.set(name, rule);
      else twice.set(name, (twice.get(name) ?? new Set([first])).add(rule));
    }
  }
  for (const [name, several] of twice) {
    const all = ordered(several);
    if (new Set(all.map((rule) => canonical(rule.spec.subsets?.find((subset) => subset.name === name)))).size < 2)
      continue;
    yield {
      message:
        `${all.slice(0, 6).map(describe).join(' and ')} define subset "${name}" of ${host} differently; Istio ` +
        'takes the oldest.',
      field: `spec.subsets[${all[0].spec.subsets!.findIndex((subset) => subset.name === name)}]`,
      objects: all,
    };
  }
}

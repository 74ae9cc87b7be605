import { mostSpecific } from './host-names';
import { byAge, exportedTo } from './service';
import { fullHost, isWildcard } from '../../istio/hosts';
import { Indexed } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';
import { definesSubset } from '../../manifests/subsets';
import { IstioSpecs, ItemOf, Of } from '../../manifests/specs';
import { valueIn } from '../../values/grouping';

type Spec = IstioSpecs['DestinationRule'];

/** A subset of a merged rule, and where it is written. */
export interface MergedSubset {
  readonly object: Indexed<Spec>;
  readonly index: number;
  readonly value: ItemOf<Spec['subsets']>;
}

/** One or more DestinationRules, merged. */
export interface MergedRule {
  readonly exportTo: ReadonlySet<string>;
  /** The workloadSelector in force. */
  readonly selector?: Record<string, string>;
  readonly namespace: string;
  /** The traffic policy in force for the whole host. */
  policy?: { readonly object: Indexed<Spec>; readonly value: Of<Spec, 'trafficPolicy'> };
  readonly subsets: Map<string, MergedSubset>;
  readonly from: Indexed<Spec>[];
}

interface Rules {
  readonly exact: Map<string, MergedRule[]>;
  readonly wildcards: Map<string, MergedRule[]>;
}

/**
 * DestinationRules as Istio looks them up: in the proxy's namespace, then in the service's, then in the root namespace.
 * Only the first namespace that has one for the host counts. Within it, rules with equal `exportTo` are merged and
 * others stay separate.
 */
export class DestinationRules {
  private readonly local = new Map<string, Rules>();
  private readonly exported = new Map<string, Rules>();
  private readonly rootLocal: Rules = { exact: new Map(), wildcards: new Map() };

  constructor(
    private readonly rules: readonly Indexed<Spec>[],
    private readonly rootNamespace: string,
    defaultExportTo: readonly string[],
  ) {
    const selecting = rules.filter(({ spec }) => spec.workloadSelector);
    const others = rules.filter(({ spec }) => !spec.workloadSelector);
    for (const object of [...byAge(selecting), ...byAge(others)]) this.add(object, defaultExportTo);
  }

  /** The rules of the first namespace that has any for the host. */
  public find(proxyNamespace: string, host: string, serviceNamespace: string): readonly MergedRule[] {
    const own = proxyNamespace === this.rootNamespace ? this.rootLocal : this.local.get(proxyNamespace);
    const found = own && mostSpecific(host, own.exact, own.wildcards);
    if (found) return found;
    for (const namespace of [serviceNamespace, this.rootNamespace]) {
      const rules = this.exported.get(namespace);
      const seen =
        rules &&
        mostSpecific(host, rules.exact, rules.wildcards)?.filter(
          ({ exportTo }) => exportTo.size === 0 || exportTo.has('*') || exportTo.has(proxyNamespace),
        );
      if (seen && seen.length > 0) return seen;
    }
    return [];
  }

  /** The rule that a proxy applies: one that selects it, else the youngest one without a selector. */
  public ruleFor(
    proxyNamespace: string,
    labels: Record<string, string>,
    host: string,
    serviceNamespace: string,
  ): MergedRule | undefined {
    let withoutSelector: MergedRule | undefined;
    for (const rule of this.find(proxyNamespace, host, serviceNamespace)) {
      if (!rule.selector) withoutSelector = rule;
      else if (rule.namespace === proxyNamespace && selects(rule.selector, labels)) return rule;
    }
    return withoutSelector;
  }

  /** Rules of any namespace that define the subset of the host. */
  public elsewhere(host: string, subset: string): readonly Indexed<Spec>[] {
    return this.rules.filter(
      (rule) =>
        typeof rule.spec.host === 'string' && fullHost(rule.spec.host, rule) === host && definesSubset(rule, subset),
    );
  }

  private add(object: Indexed<Spec>, defaultExportTo: readonly string[]): void {
    const { spec, namespace } = object;
    if (typeof spec.host !== 'string') return;
    // As written: Istio compares the text, so `.` and the name of the namespace differ.
    const exportTo = new Set<string>(spec.workloadSelector ? ['.'] : (spec.exportTo ?? []));
    if (exportTo.size === 0 || exportTo.has('*') || exportTo.has('.') || exportTo.has(namespace))
      merge(rulesIn(this.local, namespace), object, exportTo);
    const effective = exportTo.size === 0 ? exportedTo(object, defaultExportTo) : [...exportTo];
    const isLocal = effective.length === 1 && (effective[0] === namespace || effective[0] === '.');
    if (!isLocal) merge(rulesIn(this.exported, namespace), object, exportTo);
    else if (namespace === this.rootNamespace) merge(this.rootLocal, object, exportTo);
  }
}

function rulesIn(map: Map<string, Rules>, namespace: string): Rules {
  return valueIn(map, namespace, () => ({ exact: new Map(), wildcards: new Map() }));
}

function merge({ exact, wildcards }: Rules, object: Indexed<Spec>, exportTo: Set<string>): void {
  const { spec, namespace } = object;
  const host = fullHost(spec.host ?? '', object);
  const map = isWildcard(host) ? wildcards : exact;
  const known = map.get(host);
  const selector: Record<string, string> | undefined =
    spec.workloadSelector && (spec.workloadSelector.matchLabels ?? {});
  let separate = true;
  for (const rule of known ?? []) {
    const equal = exportTo.size === rule.exportTo.size && [...exportTo].every((item) => rule.exportTo.has(item));
    const superset = rule.exportTo.size > 0 && [...rule.exportTo].every((item) => exportTo.has(item));
    if (equal) {
      separate = false;
    } else if (!superset) {
      separate = true;
      continue;
    } else {
      separate = true;
    }
    const same = selector !== undefined && rule.selector !== undefined && sameLabels(selector, rule.selector);
    if (selector !== undefined && rule.selector !== undefined && !same) {
      separate = true;
      continue;
    }
    if ((selector === undefined && rule.selector === undefined) || same) separate = false;
    addTo(rule, object);
  }
  if (!separate) return;
  const fresh: MergedRule = { exportTo, selector, namespace, subsets: new Map(), from: [] };
  addTo(fresh, object);
  if (known) known.push(fresh);
  else map.set(host, [fresh]);
}

/** Merges a rule into an older one: of subsets with one name, and of policies for the whole host, the older counts. */
function addTo(rule: MergedRule, object: Indexed<Spec>): void {
  rule.from.push(object);
  (object.spec.subsets ?? []).forEach((value, index) => {
    if (value.name !== undefined && !rule.subsets.has(value.name))
      rule.subsets.set(value.name, { object, index, value });
  });
  if (rule.policy === undefined && object.spec.trafficPolicy)
    rule.policy = { object, value: object.spec.trafficPolicy };
}

function sameLabels(a: Record<string, string>, b: Record<string, string>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

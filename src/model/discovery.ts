import { World } from './world';
import { EgressObject } from '../manifests/egress-object';
import { LabelSelector } from '../manifests/selectors';

/** Whether istiod reads the objects of a namespace. Unknown if it depends on labels that are not among the manifests. */
export type Discovered = 'yes' | 'no' | 'unknown';

/** Which namespaces istiod reads: with `discoverySelectors`, those with the labels of one of them. */
export class Discovery {
  private readonly labels = new Map<string, Record<string, string>>();
  private readonly known = new Map<string, Discovered>();

  constructor(
    objects: readonly EgressObject[],
    private readonly selectors: readonly LabelSelector[] = [],
  ) {
    if (selectors.length === 0) return;
    for (const { manifest } of objects)
      if (manifest?.kind === 'Namespace' && manifest.apiVersion === 'v1')
        this.labels.set(manifest.metadata?.name, manifest.metadata?.labels ?? {});
  }

  public of(namespace: string): Discovered {
    if (this.selectors.length === 0) return 'yes';
    let found = this.known.get(namespace);
    if (found === undefined) this.known.set(namespace, (found = this.compute(namespace)));
    return found;
  }

  /** The objects that istiod reads, without those of namespaces that are left out. */
  public read(objects: readonly EgressObject[], isLeftOut: (namespace: string) => boolean): readonly EgressObject[] {
    return objects.filter(({ manifest }) => !isRead(manifest) || !isLeftOut(manifest.metadata.namespace ?? 'default'));
  }

  /** Namespaces with objects, of which nobody knows whether istiod reads them. */
  public unknown(objects: readonly EgressObject[]): string[] {
    if (this.selectors.length === 0) return [];
    const all = objects.filter(({ manifest }) => isRead(manifest));
    return [...new Set(all.map(({ manifest }) => String(manifest.metadata.namespace ?? 'default')))]
      .filter((namespace) => this.of(namespace) === 'unknown')
      .sort();
  }

  private compute(namespace: string): Discovered {
    const own = this.labels.get(namespace);
    const labels: Record<string, string> = { ...own, 'kubernetes.io/metadata.name': namespace };
    const results = this.selectors.map((selector) => matches(selector, labels, own !== undefined));
    return results.includes('yes') ? 'yes' : results.includes('unknown') ? 'unknown' : 'no';
  }
}

/** The objects that istiod certainly or possibly reads. */
export function discovered(objects: readonly EgressObject[], { discoverySelectors }: World): readonly EgressObject[] {
  if (!discoverySelectors?.length) return objects;
  const discovery = new Discovery(objects, discoverySelectors);
  return discovery.read(objects, (namespace) => discovery.of(namespace) === 'no');
}

/** Pod templates, NetworkPolicies and Namespaces have their effect without istiod. */
function isRead(manifest: any): boolean {
  return (
    manifest?.metadata !== undefined &&
    (/\.istio\.io\//.test(manifest.apiVersion) || (manifest.apiVersion === 'v1' && manifest.kind === 'Service'))
  );
}

function matches(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Record<string, string>,
  isComplete: boolean,
): Discovered {
  const expressions = [
    ...Object.entries(matchLabels).map(([key, value]) => ({
      key,
      operator: 'In',
      values: [value] as readonly string[],
    })),
    ...matchExpressions,
  ];
  const results = expressions.map(({ key, operator, values = [] }): Discovered => {
    const value = labels[key];
    if (value === undefined && !isComplete) return 'unknown';
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value) ? 'yes' : 'no';
      case 'NotIn':
        return value === undefined || !values.includes(value) ? 'yes' : 'no';
      case 'Exists':
        return value !== undefined ? 'yes' : 'no';
      case 'DoesNotExist':
        return value === undefined ? 'yes' : 'no';
      default:
        return 'unknown';
    }
  });
  return results.includes('no') ? 'no' : results.includes('unknown') ? 'unknown' : 'yes';
}

import { NamespaceLabels } from './namespace-labels';
import { Certainty, someOf } from '../answer/certainty';
import { World } from './world';
import { LabelSelector } from '../../access/access-table';
import { EgressObject, Manifest } from '../../manifests/egress-object';

/** Which namespaces istiod reads: with `discoverySelectors`, those with the labels of one of them. */
export class Discovery {
  private readonly labels: NamespaceLabels;
  private readonly known = new Map<string, Certainty>();

  constructor(
    objects: readonly EgressObject[],
    private readonly selectors: readonly LabelSelector[] = [],
  ) {
    this.labels = new NamespaceLabels(selectors.length === 0 ? [] : objects);
  }

  /** Whether istiod reads a namespace; `undefined` where nobody knows. */
  public of(namespace: string): Certainty {
    if (this.selectors.length === 0) return true;
    if (!this.known.has(namespace))
      this.known.set(
        namespace,
        someOf(this.selectors, (selector) => this.labels.match(namespace, selector)),
      );
    return this.known.get(namespace);
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
      .filter((namespace) => this.of(namespace) === undefined)
      .sort();
  }
}

/** The objects that istiod certainly or possibly reads. */
export function discovered(objects: readonly EgressObject[], { discoverySelectors }: World): readonly EgressObject[] {
  if (!discoverySelectors?.length) return objects;
  const discovery = new Discovery(objects, discoverySelectors);
  return discovery.read(objects, (namespace) => discovery.of(namespace) === false);
}

/** Pod templates, NetworkPolicies and Namespaces have their effect without istiod. */
function isRead(manifest: Manifest): boolean {
  return (
    manifest?.metadata !== undefined &&
    (/\.istio\.io\//.test(manifest.apiVersion) || (manifest.apiVersion === 'v1' && manifest.kind === 'Service'))
  );
}

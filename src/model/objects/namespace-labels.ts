import { selectorMatches } from './label-selectors';
import { Certainty } from '../answer/certainty';
import { LabelSelector } from '../../access/access-table';
import { EgressObject } from '../../manifests/egress-object';

/** What is known of the labels of namespaces: those of the Namespace objects, and the one that Kubernetes adds. */
export class NamespaceLabels {
  private readonly labels = new Map<string, Record<string, string>>();

  constructor(objects: readonly EgressObject[]) {
    for (const { manifest } of objects)
      if (manifest?.kind === 'Namespace' && manifest.apiVersion === 'v1')
        this.labels.set(manifest.metadata?.name, manifest.metadata?.labels ?? {});
  }

  /** Whether a selector selects a namespace. Unknown if it depends on labels that are not among the manifests. */
  public match(namespace: string, selector: LabelSelector): Certainty {
    const own = this.labels.get(namespace);
    return selectorMatches(selector, { ...own, 'kubernetes.io/metadata.name': namespace }, own === undefined);
  }
}

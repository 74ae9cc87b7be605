import { LabelSelector } from '../access/access-table';
import { EgressObject } from '../manifests/egress-object';

/** Whether a selector selects a namespace. Unknown if it depends on labels that are not among the manifests. */
export type Selected = 'yes' | 'no' | 'unknown';

/** What is known of the labels of namespaces: those of the Namespace objects, and the one that Kubernetes adds. */
export class NamespaceLabels {
  private readonly labels = new Map<string, Record<string, string>>();

  constructor(objects: readonly EgressObject[]) {
    for (const { manifest } of objects)
      if (manifest?.kind === 'Namespace' && manifest.apiVersion === 'v1')
        this.labels.set(manifest.metadata?.name, manifest.metadata?.labels ?? {});
  }

  public selected(namespace: string, selector: LabelSelector): Selected {
    const own = this.labels.get(namespace);
    return matches(selector, { ...own, 'kubernetes.io/metadata.name': namespace }, own !== undefined);
  }
}

function matches(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Record<string, string>,
  isComplete: boolean,
): Selected {
  const expressions = [
    ...Object.entries(matchLabels).map(([key, value]) => ({
      key,
      operator: 'In',
      values: [value] as readonly string[],
    })),
    ...matchExpressions,
  ];
  const results = expressions.map(({ key, operator, values = [] }): Selected => {
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

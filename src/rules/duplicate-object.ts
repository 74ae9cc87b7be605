import { Rule, Violation } from './rule';
import { describeAll, Indexed, ordered } from '../manifests/indexed';
import { valueIn } from '../values/grouping';

const example = (namespace: string) => `
apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: shop }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: ${namespace} }
`;

export const duplicateObject: Rule = {
  code: 'duplicate-object',
  severity: 'warning',
  title: 'Two objects of the same kind, namespace and name',
  reason: 'Kubernetes keeps only one of them: the one that is applied last replaces the other.',
  cure: 'Give them different names or namespaces, or declare the object once.',
  good: example('web'),
  bad: example('shop'),
  *check(index) {
    for (const objects of index.kinds) yield* duplicates(objects);
  },
};

/** Two look-ups per object instead of one joined key: this runs over all objects, and joining strings is slow. */
function* duplicates(objects: readonly Indexed[]): Iterable<Violation> {
  if (objects.length < 2) return;
  const namespaces = new Map<string, Map<string, Indexed>>();
  const found = new Map<Indexed, Indexed[]>();
  for (const object of objects) {
    const names = valueIn(namespaces, object.namespace, () => new Map());
    const first = names.get(object.name);
    if (!first) names.set(object.name, object);
    else found.set(first, [...(found.get(first) ?? [first]), object]);
  }
  for (const same of found.values()) {
    const all = ordered(same);
    yield {
      message: `${describeAll(all)} are one and the same object to Kubernetes; the last one applied wins.`,
      field: 'metadata.name',
      objects: all,
    };
  }
}

import { Rule } from './rule';
import { describeAll, ordered } from '../manifests/indexed';

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
    for (const definitions of index.redefined) {
      const all = ordered(definitions);
      yield {
        message: `${describeAll(all)} are one and the same object to Kubernetes; the last one applied wins.`,
        field: 'metadata.name',
        objects: all,
      };
    }
  },
};

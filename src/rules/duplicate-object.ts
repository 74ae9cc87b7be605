import { append, called, Indexed } from './manifest-index';
import { Rule } from './rule';

export const duplicateObject: Rule = {
  code: 'duplicate-object',
  title: 'Two objects of the same kind, namespace and name',
  reason: 'Kubernetes keeps one of them: whichever is applied last replaces the other.',
  cure: 'Give them different names, or different owners.',
  good: `
apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: shop }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: web }
`,
  bad: `
apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: shop }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: shop }
`,
  check(index) {
    const byIdentity = new Map<string, Indexed[]>();
    for (const object of index.all) {
      append(byIdentity, `${String(object.manifest.apiVersion).split('/').slice(0, -1).join('/')} ${object.kind} ${object.namespace}/${object.name}`, object);
    }
    return [...byIdentity.values()].filter(same => same.length > 1).map(same => ({
      message: `${same.map(called).join(' and ')} are one and the same object for Kubernetes; the last one applied wins.`,
      objects: same,
    }));
  },
};

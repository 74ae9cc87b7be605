import { isForIstioctl } from './definitions';
import { tellsOfSecrets } from '../manifests/declared-secrets';
import { ReadObject } from './read-object';

/** Whether an object will be applied in a namespace that it does not name. */
export function lacksNamespace({ manifest }: ReadObject): boolean {
  const { apiVersion, kind, metadata } = manifest;
  return (
    metadata.namespace === undefined &&
    !isForIstioctl(manifest) &&
    (/istio\.io\//.test(apiVersion) ||
      ['Service', 'Secret', 'ConfigMap', 'Deployment', 'NetworkPolicy'].includes(kind) ||
      (tellsOfSecrets(apiVersion, kind) && kind !== 'ClusterIssuer'))
  );
}

/** Says that namespace `default` is assumed for objects that lack one. */
export function assumption([{ manifest, origin }, ...others]: readonly ReadObject[]): string {
  const first = `${manifest.kind} ${manifest.metadata.name}`;
  return others.length === 0
    ? `${origin}: ${first} has no namespace; namespace default is assumed`
    : `${others.length + 1} objects have no namespace (the first is ${first} in ${origin}); namespace default is assumed`;
}

/** Puts objects that lack a namespace into one. */
export function inNamespace(objects: readonly ReadObject[], namespace: string): ReadObject[] {
  return objects.map((object) => {
    const { manifest } = object;
    return lacksNamespace(object)
      ? { ...object, manifest: { ...manifest, metadata: { ...manifest.metadata, namespace } } }
      : object;
  });
}

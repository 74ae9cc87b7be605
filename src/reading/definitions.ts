import { ReadObject } from './read-object';
import { EgressObject, Manifest } from '../manifests/egress-object';

/** What `istioctl install -f` reads. No cluster has it, so it needs no name, and two are never the same object. */
export function isForIstioctl({ apiVersion, kind }: Manifest): boolean {
  return kind === 'IstioOperator' && apiVersion.startsWith('install.istio.io/');
}

/** One for all definitions of an object. */
export function keyOf({ manifest, origin }: EgressObject): string {
  if (isForIstioctl(manifest)) return origin;
  return (
    `${manifest.apiVersion.split('/')[0]} ${manifest.kind} ` +
    `${manifest.metadata.namespace ?? 'default'}/${manifest.metadata.name}`
  );
}

/** The definitions that count where all are applied, one after the other. */
export function lastDefinitions(objects: readonly ReadObject[]): { objects: ReadObject[]; warnings: string[] } {
  const last = new Map<string, ReadObject>();
  const first = new Map<string, string>();
  const warnings: string[] = [];
  for (const object of objects) {
    const { manifest, origin } = object;
    const key = keyOf(object);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, origin);
    else
      warnings.push(
        `${origin}: ${manifest.kind} ${manifest.metadata.namespace ?? 'default'}/${manifest.metadata.name} is ` +
          `defined twice, first in ${earlier}; the last definition counts, as with kubectl apply`,
      );
    // It is the same object of the cluster, which keeps its date when the new definition is applied.
    const created = last.get(key)?.manifest.metadata.creationTimestamp;
    const { metadata } = manifest;
    last.delete(key);
    last.set(
      key,
      created === undefined || metadata.creationTimestamp
        ? object
        : { ...object, manifest: { ...manifest, metadata: { ...metadata, creationTimestamp: created } } },
    );
  }
  return { objects: [...last.values()], warnings };
}

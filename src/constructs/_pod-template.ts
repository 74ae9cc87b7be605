import { ApiObject, Chart, JsonPatch } from 'cdk8s';
import { IConstruct } from 'constructs';
import { podIdentityOf, podTemplateOf, templateIn } from '../values/pod-template';

/** Annotations of the pods that a workload makes. */
export interface PodAnnotations {
  /** What this was found on; the same workload gives the same key. */
  readonly key: object;
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

/**
 * The annotations of a workload's pods. They belong on the template; on the workload itself they do nothing (IST0107).
 */
export function podAnnotations(workload: IConstruct): PodAnnotations {
  // cdk8s-plus of any Kubernetes version: AbstractPod keeps the template's metadata under this name.
  const podMetadata = (workload as any).podMetadata;
  if (typeof podMetadata?.addAnnotation === 'function') {
    return {
      key: podMetadata,
      get: (name) => podMetadata.toJson()?.annotations?.[name],
      set: (name, value) => podMetadata.addAnnotation(name, value),
    };
  }
  const { object, path } = podTemplateOf(workload);
  return patched(object, path);
}

function patched(object: ApiObject, path: string): PodAnnotations {
  const certificateOwner = () => templateIn(object.toJson(), path);
  return {
    key: object,
    get: (name) => certificateOwner().metadata?.annotations?.[name],
    set: (name, value) => {
      if (!certificateOwner().metadata) object.addJsonPatch(JsonPatch.add(`${path}/metadata`, {}));
      if (!certificateOwner().metadata.annotations)
        object.addJsonPatch(JsonPatch.add(`${path}/metadata/annotations`, {}));
      object.addJsonPatch(
        JsonPatch.add(`${path}/metadata/annotations/${name.replace(/~/g, '~0').replace(/\//g, '~1')}`, value),
      );
    },
  };
}

/** Where the pods of a workload are, and what selects them. */
export function podPlace(workload: IConstruct): { namespace?: string; labels: Record<string, string> } {
  // Not by its manifest: a class of cdk8s-plus has none before its containers are added.
  const { podMetadata, metadata, matchLabels } = workload as any;
  if (typeof podMetadata?.addAnnotation !== 'function') return podIdentityOf(workload);
  const selector = Object.keys(matchLabels ?? {}).length > 0 ? matchLabels : podMetadata.toJson()?.labels;
  return { namespace: metadata?.namespace ?? Chart.of(workload).namespace, labels: { ...selector } };
}

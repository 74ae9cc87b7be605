import { ApiObject, ApiObjectMetadataDefinition, Chart, JsonPatch } from 'cdk8s';
import { IConstruct } from 'constructs';
import { podIdentityOf, podTemplateOf, templateIn } from '../values/pod-template';

/** Annotations of a workload's pods. */
export interface PodAnnotations {
  /** The object that holds them; the same for the same workload. */
  readonly key: object;
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

/** What is used of the workloads of cdk8s-plus, which need not be there. */
interface AbstractPod {
  readonly podMetadata?: Pick<ApiObjectMetadataDefinition, 'addAnnotation' | 'toJson'>;
  readonly metadata?: { readonly namespace?: string };
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/**
 * The annotations of a workload's pod template. On the workload itself they have no effect (IST0107).
 */
export function podAnnotations(workload: IConstruct): PodAnnotations {
  // In cdk8s-plus for every Kubernetes version, AbstractPod keeps the template's metadata under this name.
  const { podMetadata } = workload as IConstruct & AbstractPod;
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
  const template = () => templateIn(object.toJson(), path);
  return {
    key: object,
    get: (name) => template().metadata?.annotations?.[name],
    set: (name, value) => {
      if (!template().metadata) object.addJsonPatch(JsonPatch.add(`${path}/metadata`, {}));
      if (!template().metadata?.annotations) object.addJsonPatch(JsonPatch.add(`${path}/metadata/annotations`, {}));
      object.addJsonPatch(
        JsonPatch.add(`${path}/metadata/annotations/${name.replace(/~/g, '~0').replace(/\//g, '~1')}`, value),
      );
    },
  };
}

/** The namespace of a workload's pods, and the labels that select them. */
export function podPlace(workload: IConstruct): { namespace?: string; labels: Record<string, string> } {
  // Not read from the manifest: a cdk8s-plus workload cannot be serialised before its containers are added.
  const { podMetadata, metadata, matchLabels } = workload as IConstruct & AbstractPod;
  if (typeof podMetadata?.addAnnotation !== 'function') return podIdentityOf(workload);
  const selector = Object.keys(matchLabels ?? {}).length > 0 ? matchLabels : podMetadata.toJson()?.labels;
  return { namespace: metadata?.namespace ?? Chart.of(workload).namespace, labels: { ...selector } };
}

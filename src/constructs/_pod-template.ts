import { ApiObject, JsonPatch } from 'cdk8s';
import { IConstruct } from 'constructs';

/** Annotations of the pods that a workload makes. */
export interface PodAnnotations {
  /** What this was found on; the same workload gives the same key. */
  readonly key: object;
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

/**
 * Finds the pod template of a workload: a class of cdk8s-plus, a generated class, or a raw ApiObject, itself or as the
 * only one below a construct. Annotations belong on the template; on the workload itself they do nothing (IST0107).
 */
export function podAnnotations(workload: IConstruct): PodAnnotations {
  // cdk8s-plus of any Kubernetes version: AbstractPod keeps the template's metadata under this name.
  const podMetadata = (workload as any).podMetadata;
  if (typeof podMetadata?.addAnnotation === 'function') {
    return {
      key: podMetadata,
      get: name => podMetadata.toJson()?.annotations?.[name],
      set: (name, value) => podMetadata.addAnnotation(name, value),
    };
  }
  const found = workload.node.findAll().filter(ApiObject.isApiObject as (c: unknown) => c is ApiObject)
    .map(object => ({ object, path: templatePath(object.toJson()) }))
    .filter((candidate): candidate is { object: ApiObject; path: string } => candidate.path !== undefined);
  if (found.length === 0) throw new Error(`[${workload.node.path}] has no pod template; give a Deployment, StatefulSet, DaemonSet, Job, CronJob, Pod or the like`);
  if (found.length > 1) throw new Error(`[${workload.node.path}] holds several workloads (${found.map(({ object }) => object.node.path).join(', ')}); give the one that is meant`);
  return patched(found[0].object, found[0].path);
}

/** Where the template's metadata are, as a JSON pointer to what holds them. */
function templatePath(manifest: any): string | undefined {
  if (manifest.kind === 'Pod' && manifest.apiVersion === 'v1') return '';
  if (manifest.spec?.template?.spec?.containers) return '/spec/template';
  if (manifest.spec?.jobTemplate?.spec?.template?.spec?.containers) return '/spec/jobTemplate/spec/template';
  return undefined;
}

function patched(object: ApiObject, path: string): PodAnnotations {
  const holder = () => path.split('/').slice(1).reduce((node, step) => node[step], object.toJson());
  return {
    key: object,
    get: name => holder().metadata?.annotations?.[name],
    set: (name, value) => {
      if (!holder().metadata) object.addJsonPatch(JsonPatch.add(`${path}/metadata`, {}));
      if (!holder().metadata.annotations) object.addJsonPatch(JsonPatch.add(`${path}/metadata/annotations`, {}));
      object.addJsonPatch(JsonPatch.add(`${path}/metadata/annotations/${name.replace(/~/g, '~0').replace(/\//g, '~1')}`, value));
    },
  };
}

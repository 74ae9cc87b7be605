import { ApiObject } from 'cdk8s';
import { IConstruct } from 'constructs';
import { podTemplateOf as templateOf, podTemplatePath, PodTemplateSpec, TemplateHolder } from '../istio/pod-templates';

/** The pod template of a workload, as it will be synthesised. */
export interface PodTemplate {
  /** The object that contains it. */
  readonly object: ApiObject;
  /** The place of the template in the object's manifest, as a JSON pointer. */
  readonly path: string;
}

/** What Istio identifies the pods of a workload by. */
export interface PodIdentity {
  readonly namespace: string | undefined;
  readonly serviceAccountName: string;
  /** Labels that all pods of the workload carry, for as long as it exists. */
  readonly labels: Record<string, string>;
}

/**
 * Finds the pod template of a workload of cdk8s-plus, of a generated class or of an ApiObject: the construct itself, or
 * the only one below it.
 */
export function podTemplateOf(workload: IConstruct): PodTemplate {
  const found = workload.node
    .findAll()
    .filter(ApiObject.isApiObject as (c: unknown) => c is ApiObject)
    .map((object) => ({ object, path: templatePath(object.toJson()) }))
    .filter((candidate): candidate is PodTemplate => candidate.path !== undefined);
  if (found.length === 0)
    throw new Error(
      `[${workload.node.path}] has no pod template; give a Deployment, StatefulSet, DaemonSet, Job, CronJob, ` +
        'Pod or the like',
    );
  if (found.length > 1)
    throw new Error(
      `[${workload.node.path}] contains several workloads ` +
        `(${found.map(({ object }) => object.node.path).join(', ')}); give one of them`,
    );
  return found[0];
}

/** The part of a manifest at a JSON pointer. */
export function templateIn(manifest: unknown, path: string): PodTemplateSpec {
  const steps = path.split('/').slice(1);
  return steps.reduce((node, step) => (node as Record<string, unknown>)[step], manifest) as PodTemplateSpec;
}

/**
 * The identity of a workload's pods. Its labels are those of the workload's selector, where it has one: Kubernetes
 * never lets the selector change, while pods of two versions may differ in other labels.
 */
export function podIdentityOf(workload: IConstruct): PodIdentity {
  const { object, path } = podTemplateOf(workload);
  const manifest = object.toJson();
  const { metadata, spec = {} } = templateIn(manifest, path);
  return {
    namespace: manifest.metadata?.namespace,
    serviceAccountName: spec.serviceAccountName ?? spec.serviceAccount ?? 'default',
    labels: manifest.spec.selector?.matchLabels ?? metadata?.labels ?? {},
  };
}

function templatePath(manifest: TemplateHolder): string | undefined {
  if (manifest.kind !== 'Pod' && !templateOf(manifest)?.spec?.containers) return undefined;
  return podTemplatePath(manifest)
    ?.map((step) => `/${step}`)
    .join('');
}

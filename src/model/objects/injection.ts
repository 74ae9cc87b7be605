import { FieldRef } from '../answer/answer';
import { Condition } from '../answer/conditions';
import { fieldRef } from '../answer/field-ref';
import { INJECT, INJECTION, REVISION } from '../../istio/injection';
import { podTemplateOf, podTemplatePath } from '../../istio/pod-templates';
import { pathOf } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';
import { ManifestIndex } from '../../manifests/manifest-index';

/** Whether the injector gives a pod a sidecar. */
export interface Injection {
  readonly injected: boolean;
  /** Why not. */
  readonly cause?: FieldRef;
  /** Where neither the pod nor its Namespace asks for a sidecar: what must be so if it has one. */
  readonly doubt?: Condition;
}

/** What is known of a pod: its template, where there is one, or what is said of it. */
export interface PodFacts {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly template?: Indexed;
}

/** Namespaces in which the injector leaves every pod alone. */
const SYSTEM: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);

/**
 * In the order in which Istio's webhooks and the injector decide it. A label of the pod counts before its annotation.
 */
export function injectionOf(index: ManifestIndex, pod: PodFacts): Injection {
  const { namespace, labels, annotations, template } = pod;
  if (template && podTemplateOf(template.manifest)?.spec?.hostNetwork)
    return { injected: false, cause: podField(pod, 'spec', 'hostNetwork') };
  if (SYSTEM.has(namespace)) return { injected: false, cause: { kind: 'Namespace', namespace: '', name: namespace } };
  if ((labels[INJECT] ?? annotations[INJECT]) === 'false') {
    const where = labels[INJECT] === undefined ? 'annotations' : 'labels';
    return { injected: false, cause: podField(pod, 'metadata', where, INJECT) };
  }
  const object = index.namespace(namespace);
  if (!object) return { injected: true };
  const own = object.manifest.metadata.labels ?? {};
  if (own[INJECTION] !== undefined && own[INJECTION] !== 'enabled')
    return { injected: false, cause: fieldRef(object, `metadata.labels["${INJECTION}"]`) };
  const isAsked = [own[INJECTION], own[REVISION], labels[REVISION]].some(Boolean) || labels[INJECT] === 'true';
  if (isAsked) return { injected: true };
  const holds = `the pods of ${namespace} are injected, although Namespace ${namespace} has no label ${INJECTION}`;
  return { injected: true, doubt: { holds, say: 'give the Namespace among the manifests its label, or leave it out' } };
}

/** A field of a pod, as its template has it. */
export function podField(
  { namespace, serviceAccount, template }: PodFacts,
  ...path: readonly (string | number)[]
): FieldRef {
  return template
    ? fieldRef(template, pathOf([...podTemplatePath(template.manifest)!, ...path]))
    : { kind: 'Pod', namespace, name: serviceAccount, field: pathOf(path) };
}

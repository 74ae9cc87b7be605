/** Where the pod template is in an object of each kind that Kubernetes makes pods from. */
const BY_KIND = {
  Pod: [],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
} as const satisfies Record<string, readonly string[]>;

const byKind = new Map<string, readonly string[]>(Object.entries(BY_KIND));

/** Kinds whose objects carry a pod template. */
export const POD_TEMPLATE_KINDS: readonly string[] = [...byKind.keys()];

/**
 * The path to the pod template of an object, or undefined if it has none. An object of a kind that Kubernetes does not
 * know, such as a Rollout, has one where it holds containers in the same place.
 */
export function podTemplatePath(manifest: any): readonly string[] | undefined {
  const known = byKind.get(manifest?.kind);
  if (known !== undefined) return known;
  return [BY_KIND.Deployment, BY_KIND.CronJob].find((path) => at(manifest, path)?.spec?.containers);
}

/** The pod template of an object: `metadata` and `spec` of its pods. */
export function podTemplateOf(manifest: any): any {
  const path = podTemplatePath(manifest);
  return path && at(manifest, path);
}

function at(manifest: any, path: readonly string[]): any {
  return path.reduce((node, step) => node?.[step], manifest);
}

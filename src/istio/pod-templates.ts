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

/** An object, as far as it may hold a pod template. */
export interface TemplateHolder {
  readonly kind?: string;
  readonly spec?: unknown;
}

/**
 * The path to the pod template of an object, or undefined if it has none. An object of a kind that Kubernetes does not
 * know, such as a Rollout, has one where it holds containers in the same place.
 */
export function podTemplatePath(manifest: TemplateHolder): readonly string[] | undefined {
  const known = byKind.get(manifest?.kind ?? '');
  if (known !== undefined) return known;
  return [BY_KIND.Deployment, BY_KIND.CronJob].find((path) => at(manifest, path)?.spec?.containers);
}

/** What is read of the pods that an object describes. */
export interface PodTemplateSpec {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly serviceAccount?: string;
    readonly hostNetwork?: boolean;
    readonly hostAliases?: readonly { readonly ip?: string; readonly hostnames?: readonly string[] }[];
    readonly dnsPolicy?: string;
    readonly dnsConfig?: { readonly options?: readonly { readonly name?: string; readonly value?: string }[] };
    readonly securityContext?: SecurityContext;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
}

interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
}

interface Container {
  readonly name?: string;
  readonly image?: string;
  readonly securityContext?: SecurityContext;
  readonly args?: readonly unknown[];
  readonly env?: readonly { readonly name?: string; readonly value?: unknown }[];
  readonly envFrom?: unknown;
  readonly ports?: readonly { readonly name?: string; readonly containerPort?: number }[];
}

/** The pod template of an object: `metadata` and `spec` of its pods. */
export function podTemplateOf(manifest: TemplateHolder): PodTemplateSpec | undefined {
  const path = podTemplatePath(manifest);
  return path && at(manifest, path);
}

/** The service account that a template names, if it does. `serviceAccount` is the former name of the field. */
export function givenServiceAccount(template: PodTemplateSpec | undefined): string | undefined {
  const { serviceAccountName, serviceAccount } = template?.spec ?? {};
  return serviceAccountName || serviceAccount || undefined;
}

/** The service account of the pods. */
export function serviceAccountOf(template: PodTemplateSpec | undefined): string {
  return givenServiceAccount(template) ?? 'default';
}

function at(manifest: unknown, path: readonly string[]): PodTemplateSpec | undefined {
  return path.reduce((node, step) => (node as Record<string, unknown> | undefined)?.[step], manifest) as
    PodTemplateSpec | undefined;
}

import { Certainty, someOf } from '../answer/certainty';
import { Registry } from './registry';

interface RoleRef {
  readonly kind?: string;
  readonly name?: string;
}

/** What is read of a RoleBinding or ClusterRoleBinding. */
interface Binding {
  readonly subjects?: readonly { readonly kind?: string; readonly name?: string; readonly namespace?: string }[];
  readonly roleRef?: RoleRef;
}

/** What is read of a Role or ClusterRole. */
interface Role {
  readonly rules?: readonly Readonly<
    Partial<Record<'apiGroups' | 'resources' | 'verbs' | 'resourceNames', readonly string[]>>
  >[];
  readonly aggregationRule?: object;
}

const RBAC = 'rbac.authorization.k8s.io';

/** ClusterRoles that every cluster has and that allow listing Secrets. */
const BUILT_IN = new Set(['cluster-admin', 'admin', 'edit']);

/**
 * Whether a service account may list the Secrets of its namespace. istiod asks the API server for that before it hands
 * a proxy the Secret with its key, and names no groups: a binding to a group does not count.
 */
export function mayListSecrets(registry: Registry, namespace: string, serviceAccount: string): Certainty {
  const bindings = ['RoleBinding', 'ClusterRoleBinding'].flatMap((kind) => registry.index.inGroup(RBAC, kind));
  const granted = someOf(bindings, ({ kind, namespace: own, manifest }) => {
    if (kind === 'RoleBinding' && own !== namespace) return false;
    const { subjects = [], roleRef = {} } = manifest as Binding;
    const isBound = subjects.some(
      (subject) =>
        (subject.kind === 'ServiceAccount' && subject.name === serviceAccount && subject.namespace === namespace) ||
        (subject.kind === 'User' && subject.name === `system:serviceaccount:${namespace}:${serviceAccount}`),
    );
    return isBound && roleAllows(registry, roleRef, namespace);
  });
  if (granted) return true;
  // An access table describes everything, and what the manifests do not grant is not granted.
  return registry.world.external === undefined ? undefined : granted;
}

/** Whether the manifests install a gateway, and then its rights with it. */
export function installs(registry: Registry, namespace: string, serviceAccount: string): boolean {
  return registry.index
    .inGroup('', 'ServiceAccount')
    .some((one) => one.name === serviceAccount && one.namespace === namespace);
}

function roleAllows(registry: Registry, { kind = '', name = '' }: RoleRef, namespace: string): Certainty {
  const role = registry.index
    .inGroup(RBAC, kind)
    .find((one) => one.name === name && (kind === 'ClusterRole' || one.namespace === namespace));
  if (!role) return kind === 'ClusterRole' && BUILT_IN.has(name) ? true : undefined;
  const { rules, aggregationRule } = role.manifest as Role;
  const has = (list: unknown, value: string) => Array.isArray(list) && (list.includes(value) || list.includes('*'));
  const allows = (rules ?? []).some(
    ({ apiGroups, resources, verbs, resourceNames }) =>
      has(apiGroups, '') && has(resources, 'secrets') && has(verbs, 'list') && !resourceNames?.length,
  );
  // The rules of an aggregated role come from others.
  return allows || (aggregationRule ? undefined : false);
}

import { SidecarEgressPath } from '../../declarations/sidecar-egress-path';
import { keyOf, objectName } from '../../values/names';
import { Rank, RecipeObject } from '../recipe';

/** An annotation on the Role that explains the grant to auditors. */
const NOTE_ANNOTATION = 'cdk8s-istio-egress/note';
const NOTE =
  'istiod hands a Secret to a sidecar only if its service account may list Secrets here; the right cannot be ' +
  'narrowed to one Secret';

/**
 * The permission to list Secrets, which istiod requires before it sends a client certificate to a sidecar. There is one
 * Role and one RoleBinding for each service account, however many hosts its certificates are for.
 *
 * istiod checks whether the account may list Secrets in the namespace, without naming one (measured: a Role with
 * `resourceNames` is not enough). The account may therefore list all of them, with its own token too.
 */
export function secretReader(
  { owner, namespace, settings: { labels, annotations } }: SidecarEgressPath,
  serviceAccountName: string,
): RecipeObject[] {
  const name = objectName(
    `secrets-for-${serviceAccountName}`,
    keyOf('secret-reader', owner, namespace, serviceAccountName),
  );
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const common = { side: 'caller', rank: Rank.FIRST, shared: true } as const;
  return [
    {
      ...common,
      id: `secrets-for-${serviceAccountName}-role`,
      kind: { apiVersion, kind: 'Role' },
      metadata: { name, namespace, labels, annotations: { ...annotations, [NOTE_ANNOTATION]: NOTE } },
      fields: { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }] },
    },
    {
      ...common,
      id: `secrets-for-${serviceAccountName}-role-binding`,
      kind: { apiVersion, kind: 'RoleBinding' },
      metadata: { name, namespace, labels, annotations },
      fields: {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name: serviceAccountName, namespace }],
      },
    },
  ];
}

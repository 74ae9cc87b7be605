import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope, Shared } from './_app-scope';
import { EgressPathSettings } from './_settings';
import { keyOf, objectName } from '../values/names';

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
export class SecretReader implements Shared {
  public static of(scope: AppScope, owner: string, namespace: string, serviceAccountName: string): SecretReader {
    return scope.share(
      `secret-reader ${owner} ${namespace} ${serviceAccountName}`,
      () => new SecretReader(owner, namespace, serviceAccountName),
    );
  }

  private emitted = false;

  private constructor(
    private readonly owner: string,
    private readonly namespace: string,
    private readonly serviceAccountName: string,
  ) {}

  /** Emits both, unless they were emitted for another host's certificate already. */
  public emit(scope: Construct, settings: EgressPathSettings): ApiObject[] {
    if (this.emitted) return [];
    this.emitted = true;
    const name = objectName(
      `secrets-for-${this.serviceAccountName}`,
      keyOf('secret-reader', this.owner, this.namespace, this.serviceAccountName),
    );
    const metadata = { name, namespace: this.namespace, labels: settings.labels, annotations: settings.annotations };
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    return [
      new ApiObject(scope, `secrets-for-${this.serviceAccountName}-role`, {
        apiVersion,
        kind: 'Role',
        metadata: { ...metadata, annotations: { ...metadata.annotations, [NOTE_ANNOTATION]: NOTE } },
        rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }],
      }),
      new ApiObject(scope, `secrets-for-${this.serviceAccountName}-role-binding`, {
        apiVersion,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name: this.serviceAccountName, namespace: this.namespace }],
      }),
    ];
  }

  public disagreements(): [] {
    return [];
  }
}

import { assertDnsLabel, assertObjectName } from './names';
import { Problems } from './problems';

/**
 * A workload identity that calls outside hosts through an egress gateway.
 */
export class Caller {

  /**
   * Every pod that runs under this service account.
   *
   * @param namespace the namespace of the pods and of their service account
   * @param name the name of the service account, `default` when pods name none
   */
  public static serviceAccount(namespace: string, name: string): Caller {
    const problems = new Problems('Caller.serviceAccount');
    problems.check('namespace', () => assertDnsLabel(namespace, 'namespace'));
    problems.check('name', () => assertObjectName(name, 'service account'));
    problems.throwIfAny();
    return new Caller(namespace, name);
  }

  private constructor(
    /** The namespace of the caller. */
    public readonly namespace: string,
    /** The service account of the caller. */
    public readonly serviceAccountName: string,
  ) {}

  /**
   * The name in the caller's mesh certificate.
   *
   * @param trustDomain the mesh's trust domain, such as `cluster.local`
   * @see https://istio.io/latest/docs/concepts/security/#istio-identity
   */
  public spiffeId(trustDomain: string): string {
    return `spiffe://${trustDomain}/ns/${this.namespace}/sa/${this.serviceAccountName}`;
  }
}

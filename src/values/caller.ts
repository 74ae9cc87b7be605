import { IConstruct } from 'constructs';
import { brand } from './brand';
import { assertDnsLabel, assertObjectName, assertSelector, assertTrustDomain } from './names';
import { podIdentityOf } from './pod-template';
import { Problems } from './problems';
import { labels, namespaceName, readProps, Readers, text, workload as workloadReader } from './readers';

/** Options for `Caller.serviceAccount`. */
export interface ServiceAccountCallerOptions {
  /**
   * Labels that all pods of the caller carry, and no other pods of their namespace do. Istio selects the caller's pods
   * by them where callers of one namespace are treated differently, for instance when each has its own client
   * certificate. At least one label.
   *
   * @default - none: enough as long as all callers of the namespace share one client certificate, or have none
   */
  readonly podLabels?: Record<string, string>;
}

const OPTIONS: Readers<ServiceAccountCallerOptions> = { podLabels: labels(assertSelector) };

/** The service account of pods that name none. */
const DEFAULT_ACCOUNT = 'default';

/**
 * A workload identity that may call external hosts.
 *
 * @example
 * new GatewayEgress(chart, 'partner', {
 *   gateway: exit,
 *   hosts: ['api.partner.com'],
 *   callers: [Caller.workload(checkout), Caller.serviceAccount('billing', 'invoices')],
 * });
 */
export class Caller {
  /**
   * All pods that run under a service account.
   *
   * @param namespace the namespace of the pods and of their service account
   * @param name the name of the service account; `default` for pods that name none
   * @param options labels of the pods
   */
  public static serviceAccount(namespace: string, name: string, options: ServiceAccountCallerOptions = {}): Caller {
    const problems = new Problems('Caller.serviceAccount');
    if (isOne(namespace, 'namespace', problems)) namespaceName(namespace, 'namespace', problems);
    if (isOne(name, 'name', problems))
      text('service account', 'checkout', (value) => assertObjectName(value, 'service account'))(
        name,
        'name',
        problems,
      );
    const { podLabels } = readProps(options, OPTIONS, problems, 'options');
    problems.throwIfAny();
    return new Caller(namespace, name, podLabels);
  }

  /**
   * The pods of a workload in this app. Namespace, service account and labels are read from its pod template. All other
   * pods that run under the same service account may call as well, since a gateway only sees identities. So a workload
   * without a service account of its own is refused: every pod of the namespace that names none runs under `default`.
   *
   * @param workload a workload with a pod template: of cdk8s-plus, of generated classes, or an ApiObject; or a
   * construct that holds exactly one
   */
  public static workload(workload: IConstruct): Caller {
    const problems = new Problems('Caller.workload');
    workloadReader(workload, 'workload', problems);
    problems.throwIfAny();
    const caller = problems.check(`[${workload.node.path}]`, () => {
      const { namespace, serviceAccountName, labels: podLabels } = podIdentityOf(workload);
      if (namespace === undefined)
        throw new Error('has no namespace, so its identity is unknown; give `namespace` to it or to its chart');
      if (serviceAccountName === DEFAULT_ACCOUNT)
        throw new Error(
          'has no service account of its own, and every pod of the namespace that names none runs under "default" ' +
            'and could call as well; give it one (`serviceAccountName`; `serviceAccount` in cdk8s-plus), or write ' +
            `Caller.serviceAccount("${namespace}", "${DEFAULT_ACCOUNT}") if all of them may call`,
        );
      return new Caller(
        namespace,
        serviceAccountName,
        Object.keys(podLabels).length > 0 ? podLabels : undefined,
        workload,
      );
    });
    problems.throwIfAny();
    return caller!;
  }

  /**
   * All pods of a namespace, under any service account. So every author who may create pods there decides who calls.
   *
   * A policy at the gateway checks this, since a Gateway server can only list complete identities.
   *
   * @param namespace the name of the namespace
   * @example
   * new GatewayEgress(chart, 'partner', {
   *   gateway: exit,
   *   hosts: ['api.partner.com'],
   *   callers: [Caller.wholeNamespace('web')],
   * });
   */
  public static wholeNamespace(namespace: string): Caller {
    const problems = new Problems('Caller.wholeNamespace');
    if (isOne(namespace, 'namespace', problems))
      problems.check('namespace', () => assertDnsLabel(namespace, 'namespace'));
    problems.throwIfAny();
    return new Caller(namespace, undefined);
  }

  private constructor(
    /** The namespace of the caller. */
    public readonly namespace: string,
    /** The service account of the caller; undefined for a whole namespace. */
    public readonly serviceAccountName: string | undefined,
    /** Labels of the caller's pods, where they are known. */
    public readonly podLabels?: Record<string, string>,
    private readonly workloadConstruct?: IConstruct,
  ) {
    brand(this, 'Caller');
  }

  /**
   * The SPIFFE ID in the caller's mesh certificate. For a whole namespace it ends in `*`.
   *
   * @param trustDomain the mesh's trust domain, such as `cluster.local`
   * @see https://istio.io/latest/docs/concepts/security/#istio-identity
   */
  public spiffeId(trustDomain: string): string {
    const problems = new Problems('Caller.spiffeId');
    problems.check('trustDomain', () => assertTrustDomain(trustDomain));
    problems.throwIfAny();
    return `spiffe://${trustDomain}/ns/${this.namespace}/sa/${this.serviceAccountName ?? '*'}`;
  }

  /**
   * The caller in an error: `payments/checkout`.
   *
   * @internal
   */
  public get _title(): string {
    return `${this.namespace}/${this.serviceAccountName ?? '*'}`;
  }

  /**
   * What the app has changed about the workload since its identity was read, if that matters.
   *
   * @internal
   */
  public _changed(): string | undefined {
    if (!this.workloadConstruct) return undefined;
    const { namespace, serviceAccountName, labels: podLabels } = podIdentityOf(this.workloadConstruct);
    const now = JSON.stringify([namespace, serviceAccountName, podLabels]);
    const then = JSON.stringify([this.namespace, this.serviceAccountName, this.podLabels ?? {}]);
    return now === then
      ? undefined
      : `[${this.workloadConstruct.node.path}] was ${then} when Caller.workload read it and is ${now} now; make ` +
          'the caller after everything that changes its service account or labels';
  }
}

/** Whether a name is no pattern, which is reported. */
function isOne(name: unknown, place: string, problems: Problems): boolean {
  if (typeof name !== 'string' || !name.includes('*')) return true;
  problems.add(
    `${place}: "${name}" is a pattern, and callers are named one by one; for all service accounts of a namespace write ` +
      'Caller.wholeNamespace("payments")',
  );
  return false;
}

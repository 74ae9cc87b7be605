import { IConstruct } from 'constructs';
import { assertDnsLabel, assertObjectName, assertSelector } from './names';
import { podIdentityOf } from './pod-template';
import { Problems } from './problems';

/** Options for `Caller.serviceAccount`. */
export interface ServiceAccountCallerOptions {
  /**
   * Labels that the caller's pods carry and no others of their namespace do. They tell Istio which pods a rule or a
   * route is for, where callers of one namespace are treated differently: client certificates of their own.
   *
   * @default - none: fine as long as all callers of the namespace share one certificate, or none
   */
  readonly podLabels?: Record<string, string>;
}

/**
 * A workload identity that calls external hosts.
 */
export class Caller {
  /**
   * Every pod that runs under this service account.
   *
   * @param namespace the namespace of the pods and of their service account
   * @param name the name of the service account, `default` when pods name none
   * @param options labels of the pods
   */
  public static serviceAccount(namespace: string, name: string, options: ServiceAccountCallerOptions = {}): Caller {
    const problems = new Problems('Caller.serviceAccount');
    problems.check('namespace', () => assertDnsLabel(namespace, 'namespace'));
    problems.check('name', () => assertObjectName(name, 'service account'));
    if (options.podLabels) problems.check('podLabels', () => assertSelector(options.podLabels!));
    problems.throwIfAny();
    return new Caller(namespace, name, options.podLabels);
  }

  /**
   * The pods of a workload of this app: namespace, service account and labels are read from its pod template. Every
   * other pod that runs under the same service account may call as well: identity is all that a gateway sees.
   *
   * @param workload anything with a pod template, from cdk8s-plus, from generated classes, or an ApiObject; or a
   * construct that holds just one
   */
  public static workload(workload: IConstruct): Caller {
    const problems = new Problems('Caller.workload');
    const caller = problems.check(`[${workload.node.path}]`, () => {
      const { namespace, serviceAccountName, labels } = podIdentityOf(workload);
      if (namespace === undefined)
        throw new Error('is in no namespace; give one to its chart, so that its identity is known');
      return new Caller(namespace, serviceAccountName, Object.keys(labels).length > 0 ? labels : undefined, workload);
    });
    problems.throwIfAny();
    return caller!;
  }

  /**
   * Every pod of a namespace, whatever service account it runs under.
   *
   * Whoever may create pods or service accounts there may call. Checked by a policy at the gateway, since a server can
   * only be given whole names.
   *
   * @param namespace the namespace
   */
  public static wholeNamespace(namespace: string): Caller {
    const problems = new Problems('Caller.wholeNamespace');
    problems.check('namespace', () => assertDnsLabel(namespace, 'namespace'));
    problems.throwIfAny();
    return new Caller(namespace, undefined);
  }

  private constructor(
    /** The namespace of the caller. */
    public readonly namespace: string,
    /** The service account of the caller; none for a whole namespace. */
    public readonly serviceAccountName: string | undefined,
    /** Labels of the caller's pods, where they are known. */
    public readonly podLabels?: Record<string, string>,
    private readonly workloadConstruct?: IConstruct,
  ) {}

  /**
   * The name in the caller's mesh certificate; for a whole namespace it ends in `*`.
   *
   * @param trustDomain the mesh's trust domain, such as `cluster.local`
   * @see https://istio.io/latest/docs/concepts/security/#istio-identity
   */
  public spiffeId(trustDomain: string): string {
    return `spiffe://${trustDomain}/ns/${this.namespace}/sa/${this.serviceAccountName ?? '*'}`;
  }

  /**
   * How errors call it: `payments/checkout`.
   *
   * @internal
   */
  public get _title(): string {
    return `${this.namespace}/${this.serviceAccountName ?? '*'}`;
  }

  /**
   * What the app did to the workload since its identity was read, if that matters.
   *
   * @internal
   */
  public _changed(): string | undefined {
    if (!this.workloadConstruct) return undefined;
    const { namespace, serviceAccountName, labels } = podIdentityOf(this.workloadConstruct);
    const now = JSON.stringify([namespace, serviceAccountName, labels]);
    const then = JSON.stringify([this.namespace, this.serviceAccountName, this.podLabels ?? {}]);
    return now === then
      ? undefined
      : `[${this.workloadConstruct.node.path}] was ${then} when Caller.workload read it and is ${now} now; make ` +
          'the caller after everything that changes its service account or labels';
  }
}

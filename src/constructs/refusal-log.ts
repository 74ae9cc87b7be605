import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { gateway as gatewayReader, METADATA, readNamespace, where } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { emit } from '../emission/emission';
import { validate } from '../emission/validation';
import { refusalLog } from '../recipes/refusal-log';
import { Problems } from '../values/problems';
import { namespaceName, readProps, Readers, sentence } from '../values/readers';

/** Properties for `RefusalLog`. */
export interface RefusalLogProps {
  /**
   * The namespace whose sidecars log. Not together with a `gateway` in another namespace.
   *
   * @default - the namespace of the chart
   */
  readonly namespace?: string;

  /**
   * The gateway whose pods log, instead of the sidecars of a namespace.
   *
   * @default - none
   */
  readonly gateway?: IEgressGateway;

  /**
   * The access log provider of the mesh that receives the log (`meshConfig.extensionProviders`), by its name.
   *
   * @default "envoy", which Istio defines: the standard output of the proxy
   */
  readonly provider?: string;

  /**
   * Labels for the object, in addition to those of the chart.
   *
   * @default - none
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations for the object.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

const PROPS: Readers<RefusalLogProps> = {
  namespace: namespaceName,
  gateway: gatewayReader,
  provider: sentence('name of a provider', 'envoy', 'leave it out for "envoy", or name a provider of the mesh'),
  ...METADATA,
};

/**
 * Logs outgoing calls that were refused, and no others, to the access log: of the sidecars of a namespace, or of a
 * gateway.
 *
 * Replaces any other outgoing access log of these proxies, so leave it out where every call is logged already. Istio
 * allows one such object for each namespace, and one for each gateway. A gateway does not log callers whose certificate
 * its server rejects; their own sidecars do.
 *
 * @see https://istio.io/latest/docs/tasks/observability/logs/telemetry-api/
 */
export class RefusalLog extends Construct {
  /** The Telemetry. */
  public readonly apiObject: ApiObject;

  constructor(scope: Construct, id: string, props: RefusalLogProps = {}) {
    super(scope, id);
    const problems = new Problems(where(this));
    const checked = readProps(props, PROPS, problems);
    const { provider = 'envoy', labels, annotations } = checked;
    const installation = checked.gateway?.installation;
    const cure = 'give `namespace` here or to the chart';
    const namespace =
      installation?.namespace ??
      (problems.has('gateway') ? undefined : readNamespace(this, checked.namespace, cure, problems));
    if (installation && checked.namespace !== undefined && checked.namespace !== namespace)
      problems.add(
        `namespace: "${checked.namespace}" is not that of \`gateway\`, whose pods are in "${namespace}"; keep ` +
          'one of the ' +
          'two',
      );
    problems.throwIfAny();

    validate(this);
    [this.apiObject] = emit(this, refusalLog(installation, provider, { namespace, labels, annotations }));
  }

  /** All objects of this construct. */
  public get apiObjects(): ApiObject[] {
    return [this.apiObject];
  }
}

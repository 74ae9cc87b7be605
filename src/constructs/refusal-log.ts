import { ApiObject, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { assertGateway, checkMetadata, where } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { Telemetry } from '../../imports/telemetry.istio.io';
import { assertDnsLabel } from '../values/names';
import { Problems } from '../values/problems';

/** Properties for `RefusalLog`. */
export interface RefusalLogProps {
  /**
   * The namespace whose sidecars log. Not together with `gateway`.
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
   * Where to: the name of an access log provider of the mesh (`meshConfig.extensionProviders`).
   *
   * @default "envoy", which Istio brings along: the standard output of the proxy
   */
  readonly provider?: string;

  /**
   * Labels on the object.
   *
   * @default - those of the chart
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations on the object.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

/**
 * What was refused: a request that no external host answered, or a connection through which nothing came back.
 *
 * A request that the external host answered has come from upstream, with no flag of Envoy's own, whatever its status. A
 * connection has no status, and one that a gateway closes for want of a certificate has no flag either, but no byte
 * came back.
 */
const REFUSED =
  'response.flags != 0 || (has(response.code_details) ? response.code_details != "via_upstream" : response.size == 0)';

/**
 * Writes outgoing calls that were refused, and no others, to the access log: of the sidecars of one namespace, or of a
 * gateway.
 *
 * Takes the place of whatever outgoing access log these proxies had: where every call is logged already, leave it out.
 * Istio takes one such object for a namespace, and one for a gateway. A gateway logs nothing about callers whose
 * certificate its server refuses; their own sidecars do.
 *
 * @see https://istio.io/latest/docs/tasks/observability/logs/telemetry-api/
 */
export class RefusalLog extends Construct {
  /** The Telemetry. */
  public readonly apiObject: ApiObject;

  constructor(scope: Construct, id: string, props: RefusalLogProps = {}) {
    super(scope, id);
    const { gateway, provider = 'envoy', labels, annotations } = props;
    const installation = gateway?.installation;
    const problems = new Problems(where(this));
    const namespace = installation?.namespace ?? props.namespace ?? Chart.of(this).namespace;
    if (gateway !== undefined) problems.check('gateway', () => assertGateway(gateway));
    if (installation && props.namespace !== undefined)
      problems.add(
        `namespace: not together with \`gateway\`, whose pods are in namespace ${installation.namespace}; keep ` +
          'one of the two',
      );
    if (namespace === undefined)
      problems.add('namespace: none given, and the chart has none; give `namespace` here or to the chart');
    else problems.check('namespace', () => assertDnsLabel(namespace, 'namespace'));
    if (provider.trim() === '')
      problems.add('provider: empty; leave it out for "envoy", or name a provider of the mesh');
    checkMetadata(props, problems);
    problems.throwIfAny();

    const app = AppScope.of(this);
    app.validate(this);
    const name = installation ? `${installation.name}-refused-calls` : 'refused-calls';
    this.apiObject = app.emit(this, this, 'Resource', Telemetry, { name, namespace, labels, annotations }, () => ({
      selector: installation && { matchLabels: installation.labels },
      accessLogging: [
        { match: { mode: 'CLIENT' as any }, providers: [{ name: provider }], filter: { expression: REFUSED } },
      ],
    }));
  }

  /** Every object of this construct. */
  public get apiObjects(): ApiObject[] {
    return [this.apiObject];
  }
}

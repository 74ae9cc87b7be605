import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { PROXIES, readProxies } from './_proxies';
import { where } from './_readers';
import { ProxySelection } from './proxy-selection';
import { emit } from '../emission/emission';
import { validate } from '../emission/validation';
import { refusalLog } from '../recipes/refusal-log';
import { Problems } from '../values/problems';
import { readProps, Readers, sentence } from '../values/readers';

/** Properties for `RefusalLog`. */
export interface RefusalLogProps extends ProxySelection {
  /**
   * The access log provider of the mesh that receives the log (`meshConfig.extensionProviders`), by its name.
   *
   * @default "envoy", which Istio defines: the standard output of the proxy
   */
  readonly provider?: string;
}

const PROPS: Readers<RefusalLogProps> = {
  ...PROXIES,
  provider: sentence('name of a provider', 'envoy', 'leave it out for "envoy", or name a provider of the mesh'),
};

/**
 * Logs outgoing calls that were refused, and no others, to the access log: of the sidecars of a namespace, or of a
 * gateway.
 *
 * Replaces any other outgoing access log of these proxies, so leave it out where every call is logged already. Istio
 * allows one such object for each namespace, and one for each gateway. A gateway may not log callers whose certificate
 * its server rejects; their own sidecars do.
 *
 * @example
 * new RefusalLog(chart, 'refused', { gateway: exit });
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
    const { namespace, installation } = readProxies(this, checked, problems);
    problems.throwIfAny();

    validate(this);
    [this.apiObject] = emit(this, refusalLog(installation, provider, { namespace, labels, annotations }));
  }

  /** All objects of this construct. */
  public get apiObjects(): ApiObject[] {
    return [this.apiObject];
  }
}

import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { PROXIES, readProxies } from './_proxies';
import { readIstioVersion, where } from './_readers';
import { ProxySelection } from './proxy-selection';
import { emit } from '../emission/emission';
import { validate } from '../emission/validation';
import { noTraceContext } from '../recipes/trace-context';
import { Problems } from '../values/problems';
import { readProps } from '../values/readers';

/**
 * Keeps proxies from telling external hosts, by the headers of tracing, which workload called: the sidecars of a
 * namespace, or a gateway that somebody else installed. An `EgressGateway` does it by itself.
 *
 * Needed where the mesh traces requests and one of these is the last proxy that reads them: for a `SidecarEgress`, and
 * for `GatewayHttp.OPAQUE`, the sidecars. They cannot tell external hosts from others, so calls of these sidecars
 * inside the mesh begin a new trace at the next proxy. The proxies still report their own spans, from Istio 1.30 on; an
 * older release stops reporting them.
 *
 * @example
 * new NoTraceContext(chart, 'no-trace-context', { gateway: exit });
 * @see https://istio.io/latest/docs/reference/config/telemetry/#Tracing
 */
export class NoTraceContext extends Construct {
  /** The Telemetry. */
  public readonly apiObject: ApiObject;

  constructor(scope: Construct, id: string, props: ProxySelection = {}) {
    super(scope, id);
    const problems = new Problems(where(this));
    const checked = readProps(props, PROXIES, problems);
    const { labels, annotations } = checked;
    const { namespace, installation } = readProxies(this, checked, problems);
    const version = readIstioVersion(this, undefined, problems);
    problems.throwIfAny();

    validate(this);
    [this.apiObject] = emit(this, noTraceContext(installation, version, { namespace, labels, annotations }));
  }

  /** All objects of this construct. */
  public get apiObjects(): ApiObject[] {
    return [this.apiObject];
  }
}

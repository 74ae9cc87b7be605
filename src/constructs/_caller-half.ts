import { ApiObject, ApiObjectMetadata } from 'cdk8s';
import { Construct } from 'constructs';
import { differencesOf } from './_agreement';
import { AppScope, Disagreement, Shared } from './_app-scope';
import type { GatewayWay } from './_gateway-way';
import { PortSettings } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { ServiceEntry, ServiceEntrySpec, VirtualService, VirtualServiceSpec } from '../../imports/networking.istio.io';
import { EgressProtocol } from '../values/egress-port';
import { addressInstead, keyOf, objectName, overlap } from '../values/names';

/**
 * What one namespace knows of a host that it calls through a gateway: an entry without endpoints ("this host exists, and there
 * is no way to it"), and one route, which leads callers to their ways. There is one way for the whole namespace, or one for each of some callers, or both.
 * A sidecar is given only the routes whose labels its pod carries; where none is left, the entry without endpoints refuses.
 */
export class CallerHalf implements Shared {

  public static of(app: AppScope, namespace: string, host: string, gateway: IEgressGateway): CallerHalf {
    const { installation } = gateway;
    return app.share(`caller-half ${namespace} ${host} ${installation.namespace}/${installation.name}`, () => new CallerHalf(app, namespace, host, gateway));
  }

  private readonly ways: GatewayWay[] = [];

  private constructor(
    private readonly app: AppScope,
    private readonly namespace: string,
    private readonly host: string,
    private readonly gateway: IEgressGateway,
  ) {}

  /** Takes one more way in. The first one emits the route and the entry, in this order. */
  public join(way: GatewayWay, construct: Construct, owner: string, scope: Construct): ApiObject[] {
    this.ways.push(way);
    this.app.touch();
    if (this.ways.length > 1) return [];
    const { installation } = this.gateway;
    const { namePrefix, labels, annotations } = way.shape;
    const key = keyOf('gateway', owner, this.namespace, this.host, installation.namespace, installation.name);
    const metadata: ApiObjectMetadata = { name: objectName(namePrefix ?? this.host, key), namespace: this.namespace, labels, annotations };
    const id = `${this.host}-for-${this.namespace}`;
    return [
      this.app.emit(construct, scope, `${id}-virtual-service`, VirtualService, metadata, () => this.route()),
      this.app.emit(construct, scope, `${id}-service-entry`, ServiceEntry, metadata, () => this.entry(key)),
    ];
  }

  public disagreements(): Disagreement[] {
    const [first, ...others] = this.ways;
    const differing = others.flatMap(other => {
      const differences = differencesOf({ ...first.shape, ports: names(first) }, { ...other.shape, ports: names(other) });
      if (differences.length === 0) return [];
      const problem = `way-conflict: ${other.title} is declared here, and ${first.title} by [${first.construct.node.path}], with different options (${differences.join('; ')}). ` +
        'The callers of one namespace may differ in TLS and in traffic policy, but share one entry for the host: give both declarations the same of these.';
      return [{ construct: other.construct, problem }];
    });
    return [...differing, ...this.meeting()];
  }

  /** Two ways for callers whose pods cannot be told apart. */
  private meeting(): Disagreement[] {
    const separate = this.ways.filter(({ sources }) => sources !== undefined);
    return separate.flatMap((way, index) => separate.slice(0, index)
      .filter(other => way.sources!.some(mine => other.sources!.some(theirs => overlap(mine, theirs))))
      .map(other => ({
        construct: way.construct,
        problem: `caller-labels: ${way.title} and ${other.title} [${other.construct.node.path}] are two ways, but a pod may carry the labels of both callers, and then Istio takes either. ` +
          'Give their pods a label of the same name with different values.',
      })));
  }

  private entry(key: string): ServiceEntrySpec {
    const { ports, dnsCapture, addresses } = this.ways[0].shape;
    return {
      hosts: [this.host],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL' as any,
      resolution: 'STATIC' as any,
      addresses: dnsCapture ? [addressInstead(key)] : addresses,
      ports: ports.map(({ number, name, protocol }) => ({ number, name, protocol })),
    };
  }

  private route(): VirtualServiceSpec {
    const ways = [...this.ways].sort((a, b) => order(a) < order(b) ? -1 : 1);
    const routes = (fits: (protocol: EgressProtocol) => boolean, match: object, options?: (way: GatewayWay, port: PortSettings) => object): any => {
      const list = ways.flatMap(way => way.shape.ports.filter(({ protocol }) => fits(protocol)).map(port => ({
        match: (way.sources ?? [undefined]).map(sourceLabels => ({ port: port.number, ...match, ...(sourceLabels && { sourceLabels }) })),
        ...options?.(way, port),
        route: [{ destination: way.hop(port) }],
      })));
      return list.length > 0 ? list : undefined;
    };
    const special = [EgressProtocol.TLS, EgressProtocol.TCP];
    return {
      hosts: [this.host],
      exportTo: ['.'],
      gateways: ['mesh'],
      http: routes(protocol => !special.includes(protocol), {}, (way, port) => way.hopOptions(port)),
      tls: routes(protocol => protocol === EgressProtocol.TLS, { sniHosts: [this.host] }),
      tcp: routes(protocol => protocol === EgressProtocol.TCP, {}),
    };
  }
}

/** Ways for some callers come before the way for all others. */
function order(way: GatewayWay): string {
  return way.sources ? `0 ${way.title}` : '1';
}

function names(way: GatewayWay): string[] {
  return way.shape.ports.map(({ name }) => name);
}

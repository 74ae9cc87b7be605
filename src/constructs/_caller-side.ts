import { ApiObject, ApiObjectMetadata } from 'cdk8s';
import { Construct } from 'constructs';
import { differencesOf } from './_agreement';
import { AppScope, Disagreement, Shared } from './_app-scope';
import type { GatewayEgressPath } from './_gateway-egress-path';
import { PortSettings } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { ServiceEntry, ServiceEntrySpec, VirtualService, VirtualServiceSpec } from '../../imports/networking.istio.io';
import { EgressProtocol } from '../values/egress-port';
import { addressInstead, keyOf, objectName, mayShareAPod } from '../values/names';

/**
 * What one namespace knows of a host that it calls through a gateway: an entry without endpoints ("this host exists,
 * and there is no way to it"), and one route, which leads callers to their ways. There is one way for the whole
 * namespace, or one for each of some callers, or both. A sidecar is given only the routes whose labels its pod carries;
 * where none is left, the entry without endpoints refuses.
 */
export class CallerSide implements Shared {
  public static of(app: AppScope, namespace: string, host: string, gateway: IEgressGateway): CallerSide {
    const { installation } = gateway;
    return app.share(
      `caller-side ${namespace} ${host} ${installation.namespace}/${installation.name}`,
      () => new CallerSide(app, namespace, host, gateway),
    );
  }

  private readonly egressPaths: GatewayEgressPath[] = [];

  private constructor(
    private readonly app: AppScope,
    private readonly namespace: string,
    private readonly host: string,
    private readonly gateway: IEgressGateway,
  ) {}

  /** Takes one more way in. The first one emits the route and the entry, in this order. */
  public join(egressPath: GatewayEgressPath, construct: Construct, owner: string, scope: Construct): ApiObject[] {
    this.egressPaths.push(egressPath);
    this.app.touch();
    if (this.egressPaths.length > 1) return [];
    const { installation } = this.gateway;
    const { namePrefix, labels, annotations } = egressPath.shape;
    const key = keyOf('gateway', owner, this.namespace, this.host, installation.namespace, installation.name);
    const metadata: ApiObjectMetadata = {
      name: objectName(namePrefix ?? this.host, key),
      namespace: this.namespace,
      labels,
      annotations,
    };
    const id = `${this.host}-for-${this.namespace}`;
    return [
      this.app.emit(construct, scope, `${id}-virtual-service`, VirtualService, metadata, () => this.route()),
      this.app.emit(construct, scope, `${id}-service-entry`, ServiceEntry, metadata, () => this.entry(key)),
    ];
  }

  public disagreements(): Disagreement[] {
    const [first, ...others] = this.egressPaths;
    const differing = others.flatMap((other) => {
      const differences = differencesOf(
        { ...first.shape, ports: names(first) },
        { ...other.shape, ports: names(other) },
      );
      if (differences.length === 0) return [];
      const problem =
        `egress-path-conflict: ${other.title} is declared here, and ${first.title} by ` +
        `[${first.construct.node.path}], with different options (${differences.join('; ')}). ` +
        'The callers of one namespace may differ in TLS and in traffic policy, but share one entry for the ' +
        'host: give both declarations the same of these.';
      return [{ construct: other.construct, problem }];
    });
    return [...differing, ...this.together()];
  }

  /** Two ways for callers whose pods cannot be told apart. */
  private together(): Disagreement[] {
    const separate = this.egressPaths.filter(({ sources }) => sources !== undefined);
    return separate.flatMap((egressPath, index) =>
      separate
        .slice(0, index)
        .filter((other) =>
          egressPath.sources!.some((mine) => other.sources!.some((theirs) => mayShareAPod(mine, theirs))),
        )
        .map((other) => ({
          construct: egressPath.construct,
          problem:
            `caller-labels: ${egressPath.title} and ${other.title} [${other.construct.node.path}] are two ` +
            'ways, but a pod may carry the labels of both callers, and then Istio takes either. ' +
            'Give their pods a label of the same name with different values.',
        })),
    );
  }

  private entry(key: string): ServiceEntrySpec {
    const { ports, dnsCapture, addresses } = this.egressPaths[0].shape;
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
    const egressPaths = [...this.egressPaths].sort((a, b) => (order(a) < order(b) ? -1 : 1));
    const routes = (
      fits: (protocol: EgressProtocol) => boolean,
      match: object,
      options?: (egressPath: GatewayEgressPath, port: PortSettings) => object,
    ): any => {
      const list = egressPaths.flatMap((egressPath) =>
        egressPath.shape.ports
          .filter(({ protocol }) => fits(protocol))
          .map((port) => ({
            match: (egressPath.sources ?? [undefined]).map((sourceLabels) => ({
              port: port.number,
              ...match,
              ...(sourceLabels && { sourceLabels }),
            })),
            ...options?.(egressPath, port),
            route: [{ destination: egressPath.hop(port) }],
          })),
      );
      return list.length > 0 ? list : undefined;
    };
    const special = [EgressProtocol.TLS, EgressProtocol.TCP];
    return {
      hosts: [this.host],
      exportTo: ['.'],
      gateways: ['mesh'],
      http: routes(
        (protocol) => !special.includes(protocol),
        {},
        (egressPath, port) => egressPath.hopOptions(port),
      ),
      tls: routes((protocol) => protocol === EgressProtocol.TLS, { sniHosts: [this.host] }),
      tcp: routes((protocol) => protocol === EgressProtocol.TCP, {}),
    };
  }
}

/** Ways for some callers come before the way for all others. */
function order(egressPath: GatewayEgressPath): string {
  return egressPath.sources ? `0 ${egressPath.title}` : '1';
}

function names(egressPath: GatewayEgressPath): string[] {
  return egressPath.shape.ports.map(({ name }) => name);
}

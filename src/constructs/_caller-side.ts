import { ApiObject, ApiObjectMetadata } from 'cdk8s';
import { Construct } from 'constructs';
import { differencesOf } from './_agreement';
import { AppScope, Disagreement, Shared } from './_app-scope';
import type { GatewayEgressPath } from './_gateway-egress-path';
import { PortSettings } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { ServiceEntry, ServiceEntrySpec, VirtualService, VirtualServiceSpec } from '../../imports/networking.istio.io';
import { EgressProtocol } from '../values/egress-port';
import { addressInstead, keyOf, objectName, canSelectSamePod } from '../values/names';

/**
 * The objects by which one namespace knows a host that it calls through a gateway: a ServiceEntry without endpoints
 * (the host exists, but cannot be reached directly), and a VirtualService that sends callers to their egress paths.
 * There is one egress path for the whole namespace, or one for each of some callers, or both. A sidecar gets only the
 * routes that match the labels of its pod; if none matches, the entry without endpoints refuses the request.
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

  /** Adds an egress path. The first one emits the VirtualService and the ServiceEntry, in this order. */
  public join(egressPath: GatewayEgressPath, construct: Construct, owner: string, scope: Construct): ApiObject[] {
    this.egressPaths.push(egressPath);
    this.app.touch();
    if (this.egressPaths.length > 1) return [];
    const { installation } = this.gateway;
    const { namePrefix, labels, annotations } = egressPath.callerSideOptions;
    const key = keyOf('gateway', owner, this.namespace, this.host, installation.namespace, installation.name);
    const metadata: ApiObjectMetadata = {
      name: objectName(namePrefix ?? this.host, key),
      namespace: this.namespace,
      labels,
      annotations,
    };
    const id = `${this.host}-for-${this.namespace}`;
    return [
      this.app.emit(construct, scope, `${id}-virtual-service`, VirtualService, metadata, () => this.virtualService()),
      this.app.emit(construct, scope, `${id}-service-entry`, ServiceEntry, metadata, () => this.serviceEntry(key)),
    ];
  }

  public disagreements(): Disagreement[] {
    const [first, ...others] = this.egressPaths;
    const differing = others.flatMap((other) => {
      const differences = differencesOf(
        { ...first.callerSideOptions, ports: portNames(first) },
        { ...other.callerSideOptions, ports: portNames(other) },
      );
      if (differences.length === 0) return [];
      const problem =
        `egress-path-conflict: ${other.title} is declared here, and ${first.title} by ` +
        `[${first.construct.node.path}], with different options (${differences.join('; ')}). ` +
        'The callers of one namespace may have different TLS and traffic policies, but they share one ServiceEntry ' +
        'for the host: give both declarations the same values for these options.';
      return [{ construct: other.construct, problem }];
    });
    return [...differing, ...this.overlappingCallers()];
  }

  /** Egress paths for separate callers whose pods cannot be told apart. */
  private overlappingCallers(): Disagreement[] {
    const separate = this.egressPaths.filter(({ sourceLabels }) => sourceLabels !== undefined);
    return separate.flatMap((egressPath, index) =>
      separate
        .slice(0, index)
        .filter((other) =>
          egressPath.sourceLabels!.some((mine) => other.sourceLabels!.some((theirs) => canSelectSamePod(mine, theirs))),
        )
        .map((other) => ({
          construct: egressPath.construct,
          problem:
            `caller-labels: ${egressPath.title} and ${other.title} [${other.construct.node.path}] are separate ` +
            'egress paths, but one pod could carry the labels of both callers, and then Istio might use either. ' +
            'Give their pods a label of the same name with different values.',
        })),
    );
  }

  private serviceEntry(key: string): ServiceEntrySpec {
    const { ports, dnsCapture, addresses } = this.egressPaths[0].callerSideOptions;
    return {
      hosts: [this.host],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL' as any,
      resolution: 'STATIC' as any,
      addresses: dnsCapture ? [addressInstead(key)] : addresses,
      ports: ports.map(({ number, name, protocol }) => ({ number, name, protocol })),
    };
  }

  private virtualService(): VirtualServiceSpec {
    const egressPaths = [...this.egressPaths].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
    const routes = (
      hasProtocol: (protocol: EgressProtocol) => boolean,
      match: object,
      options?: (egressPath: GatewayEgressPath, port: PortSettings) => object,
    ): any => {
      const list = egressPaths.flatMap((egressPath) =>
        egressPath.callerSideOptions.ports
          .filter(({ protocol }) => hasProtocol(protocol))
          .map((port) => ({
            match: (egressPath.sourceLabels ?? [undefined]).map((sourceLabels) => ({
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
    const notHttp = [EgressProtocol.TLS, EgressProtocol.TCP];
    return {
      hosts: [this.host],
      exportTo: ['.'],
      gateways: ['mesh'],
      http: routes(
        (protocol) => !notHttp.includes(protocol),
        {},
        (egressPath, port) => egressPath.hopOptions(port),
      ),
      tls: routes((protocol) => protocol === EgressProtocol.TLS, { sniHosts: [this.host] }),
      tcp: routes((protocol) => protocol === EgressProtocol.TCP, {}),
    };
  }
}

/** Egress paths for particular callers come before the one for all others. */
function sortKey(egressPath: GatewayEgressPath): string {
  return egressPath.sourceLabels ? `0 ${egressPath.title}` : '1';
}

function portNames(egressPath: GatewayEgressPath): string[] {
  return egressPath.callerSideOptions.ports.map(({ name }) => name);
}

import { isIP } from 'net';
import { IConstruct } from 'constructs';
import { allowedEgressOf } from './allowed-egress';
import { perIdentity } from './app';
import { EgressPath } from './egress-path';
import { Endpoints } from './endpoints';
import { externalPorts } from './origination';
import { SidecarEgressPathSettings } from './settings';
import { hostRange } from '../istio/ranges';
import { addressInstead, keyOf } from '../values/names';

const egressPaths = perIdentity<SidecarEgressPath>();

/** One host, straight from the sidecars of one namespace. */
export class SidecarEgressPath extends EgressPath<SidecarEgressPathSettings> {
  public static of(app: IConstruct, namespace: string, host: string): SidecarEgressPath {
    return egressPaths(app, [namespace, host], () => new SidecarEgressPath(app, namespace, host));
  }

  private constructor(app: IConstruct, namespace: string, host: string) {
    super(app, `${host} from namespace ${namespace} by the sidecar`, namespace, host);
  }

  /** The addresses that applications dial: those given, or one that represents the host where sidecars answer DNS. */
  public get addresses(): string[] | undefined {
    return this.settings.dnsCapture ? [addressInstead(this.key)] : this.settings.addresses;
  }

  protected get choice(): string {
    return 'straight from the sidecar';
  }

  protected makeKey(): string {
    return keyOf('sidecar', this.owner, this.namespace, this.host);
  }

  /** The sidecars connect to fixed addresses if all are known, otherwise to whatever DNS returns. */
  protected begin(): void {
    Endpoints.of(this.app, this.namespace).open.push(this);
    allowedEgressOf(this.app).add(this.construct, () => {
      const { addresses = [], endpoints = [] } = this.settings;
      const numeric = endpoints.filter((endpoint) => isIP(endpoint) !== 0);
      const fixed = endpoints.length > 0 && numeric.length === endpoints.length;
      const to = fixed ? { cidrs: endpoints.map(hostRange) } : 'public';
      const ports = () => externalPorts(this.settings.ports, this.origination);
      const expects = () => ({
        host: this.host,
        addresses: endpoints.length > 0 ? numeric : addresses,
        ports: ports(),
      });
      return [
        {
          from: { namespace: this.namespace },
          to: () => [{ to, ports: ports() }],
          expects: fixed ? undefined : expects,
        },
      ];
    });
  }
}

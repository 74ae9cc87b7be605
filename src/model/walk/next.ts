import { Ending, Leg } from './journey';
import { Address } from '../objects/addresses';
import { FieldRef, HopName } from '../answer/answer';
import { Flow, Layer } from './flow';
import { GatewayWorkload } from '../objects/gateways/workload';
import { Scope } from '../registry/scope';
import { Service } from '../objects/service';

/** A request at a proxy: what the proxy sees, and the original destination of the connection. */
export interface AtProxy {
  readonly hop: 'sidecar' | 'gateway';
  readonly scope: Scope;
  readonly flow: Flow;
  /** The address that the application dialled; none at a gateway, which was dialled itself. */
  readonly address?: Address;
  readonly port: number;
  /** Whether the proxy reads the request as HTTP. Otherwise it forwards bytes, whatever they are. */
  readonly reads?: boolean;
  /** The TLS that the proxy has ended. */
  readonly ended?: Layer;
}

/** What a proxy sends elsewhere besides, and nobody sees the answer of. */
export interface Copy {
  /** The percentage of the requests that are copied. */
  readonly share: number;
  readonly send: (leg: Leg) => Next;
}

interface Connection {
  readonly flow: Flow;
  readonly port: number;
  /** Where it begins with the PROXY protocol. */
  readonly proxyProtocol?: FieldRef;
  readonly copies?: readonly Copy[];
  /** The fields that led here. */
  readonly decidedBy: readonly FieldRef[];
}

/** A connection to a gateway's pods. */
export interface ToGateway extends Connection {
  readonly to: 'gateway';
  readonly workload: GatewayWorkload;
}

/** A connection to an external host. */
export interface ToExternalHost extends Connection {
  readonly to: 'host';
  readonly from: HopName;
  /** Undefined where the name cannot be resolved. */
  readonly address: Address | undefined;
  readonly name: string;
  /** Where the name is an endpoint of a ServiceEntry: the host that the entry declares. */
  readonly service?: Service;
  /** The protocol of the port, as declared. */
  readonly protocol?: string;
}

/** The result of a step: where the request arrives next, or how it ends. */
export type Next = ToGateway | ToExternalHost | (Ending & { readonly to?: undefined });

import { Ending } from './journey';
import { FieldRef, HopName } from '../answer';
import { Flow } from '../flow';
import { GatewayWorkload } from '../gateway-workloads';
import { Scope } from '../scope';

/** A request at a proxy: what the proxy sees, and where the connection was meant to go. */
export interface AtProxy {
  readonly hop: 'sidecar' | 'gateway';
  readonly scope: Scope;
  readonly flow: Flow;
  /** The address that was dialled; empty at a gateway, which has been dialled itself. */
  readonly address: string;
  readonly port: number;
}

/** A connection to a gateway's pods. */
export interface ToGateway {
  readonly to: 'gateway';
  readonly flow: Flow;
  readonly workload: GatewayWorkload;
  readonly port: number;
}

/** A connection to an external host. */
export interface ToExternalHost {
  readonly to: 'host';
  readonly from: HopName;
  readonly flow: Flow;
  /** Undefined where nobody knows the name. */
  readonly address: string | undefined;
  readonly name: string;
  readonly port: number;
  /** What led here. */
  readonly decidedBy: readonly FieldRef[];
}

/** What a step ends with: the place where the request arrives next, or the end of its way. */
export type Next = ToGateway | ToExternalHost | (Ending & { readonly to?: undefined });

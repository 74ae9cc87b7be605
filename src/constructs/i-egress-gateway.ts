import { IConstruct } from 'constructs';
import { GatewayInstallation } from '../values/gateway-installation';

/** An egress gateway, of this app or another. */
export interface IEgressGateway extends IConstruct {
  /** The namespace, labels, service account and port of the gateway's pods. */
  readonly installation: GatewayInstallation;

  /** Whether the gateway refuses everything that is not granted (`EgressGateway.lockdown()`). */
  readonly isLockedDown: boolean;
}

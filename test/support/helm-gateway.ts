import { Construct } from 'constructs';
import { IEgressGateway } from '../../src/constructs/i-egress-gateway';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { GatewayInstallation } from '../../src/values/gateway-installation';

/** The gateway that Istio's Helm chart installs in `egress`. */
export function helmGateway(scope: Construct): IEgressGateway {
  return InstalledEgressGateway.fromInstallation(scope, 'exit', GatewayInstallation.helmChart({ namespace: 'egress' }));
}

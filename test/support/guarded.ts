import { Chart } from 'cdk8s';
import { manifestsOf } from './app';
import { refusals } from './admission-policies';
import { EgressGuard, EgressGuardProps } from '../../src/constructs/egress-guard';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { GatewayInstallation } from '../../src/values/gateway-installation';

export type Gateways = (chart: Chart) => unknown;

export const HELM: Gateways = (chart) =>
  new InstalledEgressGateway(chart, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });

/** What a guard refuses of a request, beside these gateways. */
export function guard(props: EgressGuardProps = {}, gateways: Gateways = HELM) {
  const manifests = manifestsOf((chart) => {
    new EgressGuard(chart, 'guard', props);
    gateways(chart);
  }, 'platform');
  return (object: any, more: object = {}) => refusals(manifests, { object, ...more });
}

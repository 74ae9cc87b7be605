import { Chart } from 'cdk8s';
import { manifestsOf } from './app';
import { refusals } from './admission-policies';
import { EgressGuard, EgressGuardProps } from '../../src/constructs/egress-guard';
import { helmGateway } from './helm-gateway';

export type Gateways = (chart: Chart) => unknown;

/** As an API server gets it: without what is undefined. */
const asJson = (object: any) => (object === undefined ? undefined : JSON.parse(JSON.stringify(object)));

/** What a guard refuses of a request, beside these gateways. */
export function guard(props: EgressGuardProps = {}, gateways: Gateways = helmGateway) {
  const manifests = manifestsOf((chart) => {
    new EgressGuard(chart, 'guard', props);
    gateways(chart);
  }, 'platform');
  return (object: any, more: object = {}) => refusals(manifests, { object: asJson(object), ...more });
}

import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { readBoundary } from './_boundary-readers';
import { EgressBoundaryProps } from './egress-boundary-props';
import { where } from './_readers';
import { allowedEgressOf } from '../declarations/allowed-egress';
import { Boundary } from '../declarations/boundary';
import { Emission } from '../emission/emission';
import { validate } from '../emission/validation';
import { boundary } from '../recipes/boundary';
import { Problems } from '../values/problems';

/**
 * Makes the gateway the only path to external hosts, for whole namespaces: NetworkPolicies, which also apply to traffic
 * that bypasses the sidecar.
 *
 * The pods still reach DNS, istiod, each other and the rest of the cluster. Everything that egress constructs of the
 * same app need is opened automatically: the pods of the gateway for a `GatewayEgress`, its ports for a
 * `SidecarEgress`, its ranges for a `DirectEgress`. Istio is not involved: the cluster's network plugin (CNI) must
 * enforce NetworkPolicy. Apply it last: its first policy refuses a pod all that is not allowed.
 *
 * @example
 * new EgressBoundary(chart, 'boundary', { namespaces: ['payments'], gateways: [exit] });
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/#apply-kubernetes-network-policies
 */
export class EgressBoundary extends Construct {
  private readonly emission: Emission;

  constructor(scope: Construct, id: string, props: EgressBoundaryProps) {
    super(scope, id);
    const problems = new Problems(where(this));
    const settings = readBoundary(this, props, problems);
    problems.throwIfAny();

    validate(this);
    const declared = new Boundary(this, settings);
    this.emission = new Emission(this, { caller: { scope: this } }, () => boundary(declared), {
      owner: settings.owner,
      constructs: [this],
    }).update();
    // Pods with egress of their own get a policy of their own, as soon as a construct declares it.
    allowedEgressOf(this).onPlace(() => this.emission.update());
  }

  /** All NetworkPolicies so far. */
  public get apiObjects(): ApiObject[] {
    return this.emission.objects();
  }
}

import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { GATEWAY, readPods } from './_gateway-readers';
import { readIstioVersion, readNamespace, where } from './_readers';
import { EgressGatewayProps } from './egress-gateway-props';
import { IEgressGateway } from './i-egress-gateway';
import { checkLock, describeGateway, isGatewayLocked, lockGateway } from '../declarations/gateways';
import { OneOf } from '../declarations/one-of';
import { emit } from '../emission/emission';
import { validate } from '../emission/validation';
import { gatewayAccount, gatewayPods } from '../recipes/gateway/pods';
import { lockdown } from '../recipes/gateway/policies';
import { noTraceContext } from '../recipes/trace-context';
import { brand } from '../values/brand';
import { GatewayInstallation } from '../values/gateway-installation';
import { Problems } from '../values/problems';
import { readProps } from '../values/readers';

/**
 * Installs an egress gateway: its pods, their service account and scaling, and the hop Service through which sidecars
 * reach them.
 *
 * The pods carry a label of their own, so that Gateway objects for other gateways do not apply to them. They run
 * without privileges, and add no headers to requests, none of tracing either. Nothing is let through until a
 * `GatewayEgress` declares it. `lockdown()` also refuses what other authors' objects bind to these pods under names of
 * their own.
 *
 * Several gateways in one app or namespace need different names, and share no configuration.
 *
 * @example
 * const own = new EgressGateway(chart, 'own', { namespace: 'egress', scaling: { minReplicas: 3 } });
 * own.lockdown(); // nothing but declared traffic passes
 * @see https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway
 */
export class EgressGateway extends Construct implements IEgressGateway {
  /** The namespace, labels, service account and port of the gateway's pods. */
  public readonly installation: GatewayInstallation;

  /** The service account of the pods. */
  public readonly serviceAccount: ApiObject;

  /**
   * The Deployment with the gateway's pods.
   *
   * @example
   * const gateway = new EgressGateway(chart, 'gateway', { namespace: 'egress' });
   * gateway.deployment.addJsonPatch(JsonPatch.add('/spec/template/spec/priorityClassName', 'egress'));
   */
  public readonly deployment: ApiObject;

  /** The hop Service. */
  public readonly service: ApiObject;

  private readonly policies: Construct;
  private readonly metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  private lock?: ApiObject;

  constructor(scope: Construct, id: string, props: EgressGatewayProps = {}) {
    super(scope, id);
    brand(this, 'EgressGateway');
    const problems = new Problems(where(this));
    const checked = readProps(props, GATEWAY, problems);
    const namespace = readNamespace(this, checked.namespace, 'give the gateway its own namespace', problems) ?? '';
    const pods = readPods(this, checked, problems);
    const version = readIstioVersion(this, undefined, problems);
    problems.throwIfAny();
    const { trustDomain, clusterDomain, targetPort } = checked;
    this.installation = GatewayInstallation.egressGateway({
      namespace,
      name: checked.name,
      trustDomain,
      clusterDomain,
      targetPort,
    });
    this.metadata = { labels: checked.labels, annotations: checked.annotations };

    describeGateway(this, this.installation);
    checkLock(this, this.installation);
    validate(this);
    OneOf.gateway(this, namespace, this.installation.name).state(this, this.node.path);
    [this.serviceAccount] = emit(this, gatewayAccount(this.installation, this.metadata));
    emit(this, noTraceContext(this.installation, version, { ...this.metadata, namespace }));
    this.policies = new Construct(this, 'policies'); // Refusals exist before the pods do.
    [this.deployment, this.service] = emit(this, gatewayPods(this.installation, pods, this.metadata));
  }

  /**
   * Refuses all traffic on these pods except under the private server names of `GatewayEgress`, even if other authors
   * bind a Gateway to them.
   *
   * Adds two policies, of the same size for any number of hosts: requests without a mesh identity, or for another
   * server name, are answered with 403; connections are closed. One of them is a DENY, so that it holds beside whatever
   * other policies allow. Further calls have no effect.
   *
   * Private names are recognised by their domain, `egress.internal`. That nobody else's Gateway uses one takes an
   * `EgressGuard`, or istiod's setting `PILOT_SCOPE_GATEWAY_TO_NAMESPACE`. Without either, a Gateway of another
   * namespace can serve hosts of its own through these pods, and stop the pods from taking new configuration.
   *
   * @returns the policy that lets the private names in
   * @example
   * new EgressGateway(chart, 'gateway', { namespace: 'egress' }).lockdown();
   * @see https://istio.io/latest/docs/reference/config/security/authorization-policy/
   */
  public lockdown(): ApiObject {
    if (!this.lock) {
      lockGateway(this, this.installation);
      [this.lock] = emit(this, lockdown(this.installation, this.metadata), this.policies);
    }
    return this.lock;
  }

  /** Whether `lockdown()` was called. */
  public get isLockedDown(): boolean {
    return isGatewayLocked(this, this.installation);
  }

  /** All objects of this construct, in the order in which they can be applied. */
  public get apiObjects(): ApiObject[] {
    return this.node.findAll().filter((construct): construct is ApiObject => ApiObject.isApiObject(construct));
  }
}

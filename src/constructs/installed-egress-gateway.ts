import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { METADATA, where } from './_readers';
import { IEgressGateway } from './i-egress-gateway';
import { describeGateway, isGatewayLocked, lockGateway } from '../declarations/gateways';
import { emit } from '../emission/emission';
import { validate } from '../emission/validation';
import { hopService } from '../recipes/gateway/pods';
import { brand } from '../values/brand';
import { GatewayInstallation } from '../values/gateway-installation';
import { Problems } from '../values/problems';
import { readProps, Readers, required, valueOf } from '../values/readers';

/** Properties for `InstalledEgressGateway`. */
export interface InstalledEgressGatewayProps {
  /** How the gateway was installed. */
  readonly installation: GatewayInstallation;

  /**
   * Labels for the hop Service, in addition to those of the chart.
   *
   * @default - none
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations for the hop Service.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

const INSTALLATION_CURE = "one such as GatewayInstallation.helmChart({ namespace: 'egress' })";

const installationReader = valueOf<GatewayInstallation>('GatewayInstallation', INSTALLATION_CURE);

const PROPS: Readers<InstalledEgressGatewayProps> = {
  installation: required(installationReader, `; write ${INSTALLATION_CURE}`),
  ...METADATA,
};

/**
 * An egress gateway that is already installed, prepared for `GatewayEgress`.
 *
 * Use it once, in the app of the team that runs the gateway. It emits one Service, the *hop Service*: the name under
 * which sidecars reach the gateway's pods, on port 443 only. The gateway's own Service is not changed, and rules that
 * other authors wrote for it do not apply to ours. Apps that only use the gateway take
 * `InstalledEgressGateway.fromInstallation`.
 *
 * @example
 * const installed = new InstalledEgressGateway(chart, 'installed', {
 *   installation: GatewayInstallation.helmChart({ namespace: 'istio-egress' }),
 * });
 * new GatewayEgress(chart, 'partner', {
 *   gateway: installed,
 *   hosts: ['api.partner.com'],
 *   callers: [Caller.serviceAccount('payments', 'checkout')],
 * });
 */
export class InstalledEgressGateway extends Construct implements IEgressGateway {
  /**
   * Refers to a gateway whose hop Service another app emits. Emits nothing.
   *
   * @param scope the scope of the reference
   * @param id the id of the reference
   * @param installation how the gateway was installed, exactly as in the other app
   * @example
   * new GatewayEgress(chart, 'partner', {
   *   gateway: InstalledEgressGateway.fromInstallation(
   *     chart,
   *     'gateway',
   *     GatewayInstallation.helmChart({ namespace: 'egress' }),
   *   ),
   *   hosts: ['api.partner.com'],
   *   callers: [Caller.serviceAccount('payments', 'checkout')],
   * });
   */
  public static fromInstallation(scope: Construct, id: string, installation: GatewayInstallation): IEgressGateway {
    return new EgressGatewayReference(scope, id, installation);
  }

  /** How the gateway was installed. */
  public readonly installation: GatewayInstallation;

  /** The hop Service. */
  public readonly apiObject: ApiObject;

  constructor(scope: Construct, id: string, props: InstalledEgressGatewayProps) {
    super(scope, id);
    brand(this, 'InstalledEgressGateway');
    const problems = new Problems(where(this));
    const { installation, ...metadata } = readProps(props, PROPS, problems);
    problems.throwIfAny();
    this.installation = installation!;
    describeGateway(this, this.installation);
    validate(this);
    [this.apiObject] = emit(this, [hopService('Resource', this.installation, metadata)]);
  }

  /** Whether the gateway refuses everything that is not granted, as far as this app knows. */
  public get isLockedDown(): boolean {
    return isGatewayLocked(this, this.installation);
  }

  /** All objects of this construct. */
  public get apiObjects(): ApiObject[] {
    return [this.apiObject];
  }
}

class EgressGatewayReference extends Construct implements IEgressGateway {
  constructor(
    scope: Construct,
    id: string,
    public readonly installation: GatewayInstallation,
  ) {
    super(scope, id);
    const problems = new Problems(`[${this.node.path}] InstalledEgressGateway.fromInstallation`);
    installationReader(installation, 'installation', problems);
    problems.throwIfAny();
    if (installation.lockedDown) lockGateway(this, installation);
  }

  public get isLockedDown(): boolean {
    return isGatewayLocked(this, this.installation);
  }
}

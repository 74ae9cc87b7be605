import { ApiObject } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { AppScope } from './_app-scope';
import { hopService } from './_hop-service';
import { checkMetadata, where } from './_settings';
import { GatewayInstallation } from '../values/gateway-installation';
import { Problems } from '../values/problems';

/** An egress gateway, whoever runs it. */
export interface IEgressGateway extends IConstruct {
  /** Where the gateway's pods are, how they are labelled, as whom they run. */
  readonly installation: GatewayInstallation;

  /** Whether it refuses what is not granted: `EgressGateway.lockdown()`. */
  readonly isLockedDown: boolean;
}

/** Properties for `InstalledEgressGateway`. */
export interface InstalledEgressGatewayProps {
  /** How the gateway was installed. */
  readonly installation: GatewayInstallation;

  /**
   * Labels on the hop Service.
   *
   * @default - those of the chart
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations on the hop Service.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

/**
 * An egress gateway that somebody installed, made ready for `GatewayEgress`.
 *
 * Belongs into the app of the people who run the gateway, once. It emits one Service, the *hop Service*: the name under
 * which sidecars reach the gateway's pods, on port 443 only. The gateway's own Service stays as it is, and rules that
 * others wrote for it never meet ours. Apps that only use the gateway take `InstalledEgressGateway.fromInstallation`.
 */
export class InstalledEgressGateway extends Construct implements IEgressGateway {
  /**
   * A gateway whose hop Service another app emits. Emits nothing.
   *
   * @param scope where the reference stands
   * @param id its id
   * @param installation how the gateway was installed, the same as in the other app
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
    this.installation = props.installation;
    const problems = new Problems(where(this));
    checkMetadata(props, problems);
    problems.throwIfAny();
    const app = AppScope.of(this);
    app.describeGateway(this, props.installation);
    app.validate(this);
    this.apiObject = hopService(this, 'Resource', props.installation, {
      labels: props.labels,
      annotations: props.annotations,
    });
  }

  /** Whether it refuses what is not granted, as far as this app says. */
  public get isLockedDown(): boolean {
    return AppScope.of(this).isGatewayLocked(this.installation);
  }

  /** Every object of this construct. */
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
    if (installation.lockedDown) AppScope.of(this).lockGateway(installation);
  }

  public get isLockedDown(): boolean {
    return AppScope.of(this).isGatewayLocked(this.installation);
  }
}

import { assertPortNumber } from './ip-range';
import { assertDnsLabel, assertObjectName, assertSelector, keyOf, objectName } from './names';
import { Problems } from './problems';
import { DEFAULT_CLUSTER_DOMAIN, serviceHost } from '../istio/service-names';

/** What every kind of installation has in common. */
export interface GatewayInstallationOptions {
  /** The namespace of the gateway's pods. No caller may live in it. */
  readonly namespace: string;

  /**
   * The trust domain in the mesh's certificates (`meshConfig.trustDomain`).
   *
   * @default "cluster.local"
   */
  readonly trustDomain?: string;

  /**
   * The domain of Kubernetes Services.
   *
   * @default "cluster.local"
   */
  readonly clusterDomain?: string;
}

/** Options for `GatewayInstallation.helmChart`. */
export interface HelmChartGatewayOptions extends GatewayInstallationOptions {
  /**
   * The name of the Helm release.
   *
   * @default "istio-egressgateway"
   */
  readonly release?: string;
}

/** Options for `GatewayInstallation.istioOperator`. */
export interface IstioOperatorGatewayOptions extends GatewayInstallationOptions {
  /**
   * The name under `components.egressGateways`.
   *
   * @default "istio-egressgateway"
   */
  readonly name?: string;
}

/** Options for `GatewayInstallation.deployment`. */
export interface DeploymentGatewayOptions extends GatewayInstallationOptions {
  /** A name for the gateway, unique in its namespace; the hop Service is called after it. */
  readonly name: string;

  /** Labels that the gateway's pods carry and no other pods of the mesh do. */
  readonly labels: Record<string, string>;

  /** The service account of the gateway's pods. */
  readonly serviceAccountName: string;

  /**
   * The port on which the pods listen for the hop. Below 1024 the pods need the sysctl
   * `net.ipv4.ip_unprivileged_port_start`.
   *
   * @default 8443
   */
  readonly targetPort?: number;
}

/** Options for `GatewayInstallation.egressGateway`. */
export interface EgressGatewayInstallationOptions extends GatewayInstallationOptions {
  /**
   * The `name` of the `EgressGateway`.
   *
   * @default "egress-gateway"
   */
  readonly name?: string;

  /**
   * The `targetPort` of the `EgressGateway`.
   *
   * @default 8443
   */
  readonly targetPort?: number;

  /**
   * Whether `lockdown()` is called on the `EgressGateway`. Callers that a policy checks are granted by an ALLOW there,
   * which would close everybody else's hosts on a gateway without a lock.
   *
   * @default false
   */
  readonly lockedDown?: boolean;
}

/** What the hop Service is called, after the gateway. */
const HOP_SUFFIX = '-hop';

/** The label that the pods of an `EgressGateway` carry and no others do. */
const GATEWAY_LABEL = 'cdk8s-istio-egress/gateway';

/**
 * How an egress gateway was installed: where its pods are, how they are labelled, as whom they run, on which port they
 * listen.
 */
export class GatewayInstallation {
  /**
   * Installed with Istio's Helm chart `gateway`.
   *
   * @see https://istio.io/latest/docs/setup/additional-setup/gateway/
   */
  public static helmChart(options: HelmChartGatewayOptions): GatewayInstallation {
    const release = options.release ?? 'istio-egressgateway';
    const labels = { app: release, istio: release.replace(/^istio-/, '') };
    return new GatewayInstallation('helmChart', {
      ...options,
      name: release,
      labels,
      serviceAccountName: release,
      targetPort: 443,
    });
  }

  /**
   * Installed by `istioctl` from an IstioOperator file, under `components.egressGateways`.
   *
   * @see https://istio.io/latest/docs/setup/additional-setup/customize-installation/
   */
  public static istioOperator(options: IstioOperatorGatewayOptions): GatewayInstallation {
    const name = options.name ?? 'istio-egressgateway';
    const labels = { app: 'istio-egressgateway', istio: 'egressgateway' };
    return new GatewayInstallation('istioOperator', {
      ...options,
      name,
      labels,
      serviceAccountName: `${name}-service-account`,
      targetPort: 8443,
    });
  }

  /**
   * A Deployment of your own into which Istio injects the `gateway` template.
   *
   * @see https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway
   */
  public static deployment(options: DeploymentGatewayOptions): GatewayInstallation {
    return new GatewayInstallation('deployment', options);
  }

  /**
   * Installed by an `EgressGateway` of this library, in another app. In the same app give the construct itself.
   */
  public static egressGateway(options: EgressGatewayInstallationOptions): GatewayInstallation {
    const name = options.name ?? 'egress-gateway';
    // The namespace is part of the label: a Gateway object selects pods in every namespace.
    const readable = `${name}.${options.namespace}`;
    const label = readable.length <= 63 ? readable : objectName(name, keyOf('egress-gateway', options.namespace, name));
    return new GatewayInstallation('egressGateway', {
      ...options,
      name,
      labels: { [GATEWAY_LABEL]: label },
      serviceAccountName: name,
    });
  }

  /** The name of the gateway, unique in its namespace. */
  public readonly name: string;

  /** The namespace of the gateway's pods. */
  public readonly namespace: string;

  /** Labels of the gateway's pods. */
  public readonly labels: Record<string, string>;

  /** The service account of the gateway's pods. */
  public readonly serviceAccountName: string;

  /** The port on which the pods listen for the hop. */
  public readonly targetPort: number;

  /** Whether the gateway is known to refuse what is not granted. */
  public readonly lockedDown: boolean;

  /** The mesh's trust domain. */
  public readonly trustDomain: string;

  /** The domain of Kubernetes Services. */
  public readonly clusterDomain: string;

  private constructor(factory: string, options: DeploymentGatewayOptions & { readonly lockedDown?: boolean }) {
    this.name = options.name;
    this.namespace = options.namespace;
    this.labels = { ...options.labels };
    this.serviceAccountName = options.serviceAccountName;
    this.targetPort = options.targetPort ?? 8443;
    this.lockedDown = options.lockedDown ?? false;
    this.trustDomain = options.trustDomain ?? DEFAULT_CLUSTER_DOMAIN;
    this.clusterDomain = options.clusterDomain ?? DEFAULT_CLUSTER_DOMAIN;

    const problems = new Problems(`GatewayInstallation.${factory}`);
    problems.check('name', () => assertGatewayName(this.name));
    problems.check('namespace', () => assertDnsLabel(this.namespace, 'namespace'));
    problems.check('labels', () => assertSelector(this.labels));
    problems.check('serviceAccountName', () => assertObjectName(this.serviceAccountName, 'service account'));
    problems.check('targetPort', () => assertPortNumber(this.targetPort));
    problems.check('trustDomain', () => assertTrustDomain(this.trustDomain));
    problems.check('clusterDomain', () => assertObjectName(this.clusterDomain, 'DNS domain'));
    problems.throwIfAny();
  }

  /** The name of the Service through which callers reach the gateway. */
  public get hopServiceName(): string {
    return `${this.name}${HOP_SUFFIX}`;
  }

  /** The full name of that Service. */
  public get hopServiceHost(): string {
    return serviceHost(this.hopServiceName, this.namespace, this.clusterDomain);
  }

  /** The name in the gateway's mesh certificate; callers speak to nobody else. */
  public get spiffeId(): string {
    return `spiffe://${this.trustDomain}/ns/${this.namespace}/sa/${this.serviceAccountName}`;
  }
}

/** The Service through which callers reach the gateway is called after it. */
function assertGatewayName(name: string): void {
  assertDnsLabel(name, 'name of a gateway');
  const longest = 63 - HOP_SUFFIX.length;
  if (name.length > longest)
    throw new Error(
      `"${name}" is ${name.length} characters long; its hop Service is called "<name>${HOP_SUFFIX}", so a name ` +
        `has at most ${longest}`,
    );
}

function assertTrustDomain(value: string): void {
  if (typeof value !== 'string' || !/^[a-z0-9._-]{1,255}$/.test(value))
    throw new Error(
      `"${value}" is no trust domain: write the mesh's \`trustDomain\`, such as "cluster.local"; it has ` +
        'lower-case letters, digits, ".", "-" and "_" only',
    );
}

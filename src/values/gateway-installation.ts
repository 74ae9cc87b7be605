import { brand } from './brand';
import { GATEWAY_LABEL, gatewayLabel } from './gateway-label';
import { assertDnsLabel, assertObjectName, assertSelector, assertTrustDomain } from './names';
import { flag, labels as labelsReader, namespaceName, port, readOptions, Readers, required, text } from './readers';
import { DEFAULT_CLUSTER_DOMAIN, serviceHost } from '../istio/service-names';

/** Options of every kind of installation. */
export interface GatewayInstallationOptions {
  /** The namespace of the gateway's pods. No caller may be in it. */
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
  /** A name for the gateway, unique in its namespace. At most 59 characters: the hop Service is called `<name>-hop`. */
  readonly name: string;

  /** Labels that all pods of the gateway carry, and no other pods of the mesh do. At least one. */
  readonly labels: Record<string, string>;

  /** The service account of the gateway's pods. */
  readonly serviceAccountName: string;

  /**
   * The port on which the pods listen for traffic from sidecars. For a port below 1024 the pods need the sysctl
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
   * Whether `lockdown()` is called on the `EgressGateway`. Where it is, callers that a policy checks are granted by an
   * ALLOW policy; on a gateway without a lock that policy would close the hosts of all other callers.
   *
   * @default false
   */
  readonly lockedDown?: boolean;
}

/** The end of the hop Service's name. */
const HOP_SUFFIX = '-hop';

const COMMON: Readers<GatewayInstallationOptions> = {
  namespace: required(namespaceName, "; write the namespace of the gateway's pods"),
  trustDomain: text('trust domain', 'cluster.local', assertTrustDomain),
  clusterDomain: text('DNS domain', 'cluster.local', (value) => assertObjectName(value, 'DNS domain')),
};

const gatewayName = text('name of a gateway', 'egress-gateway', assertGatewayName);

const HELM_CHART: Readers<HelmChartGatewayOptions> = { release: gatewayName, ...COMMON };

const ISTIO_OPERATOR: Readers<IstioOperatorGatewayOptions> = { name: gatewayName, ...COMMON };

const DEPLOYMENT: Readers<DeploymentGatewayOptions> = {
  name: required(gatewayName, '; give the gateway a name'),
  ...COMMON,
  labels: required(labelsReader(assertSelector), "; write labels that only the gateway's pods carry"),
  serviceAccountName: required(
    text('service account', 'egress-gateway', (value) => assertObjectName(value, 'service account')),
    "; write the service account of the gateway's pods",
  ),
  targetPort: port(),
};

/** What describes an `EgressGateway`, for the construct itself too. */
export const EGRESS_GATEWAY: Readers<EgressGatewayInstallationOptions> = {
  name: gatewayName,
  ...COMMON,
  targetPort: port(),
  lockedDown: flag,
};

/**
 * How an egress gateway was installed: the namespace, labels, service account and port of its pods.
 *
 * @example
 * const installation = GatewayInstallation.helmChart({ namespace: 'istio-egress' });
 * new InstalledEgressGateway(chart, 'installed', { installation });
 */
export class GatewayInstallation {
  /**
   * Installed with Istio's Helm chart `gateway`.
   *
   * @see https://istio.io/latest/docs/setup/additional-setup/gateway/
   */
  public static helmChart(options: HelmChartGatewayOptions): GatewayInstallation {
    const { release = 'istio-egressgateway', ...common } = readOptions(
      'GatewayInstallation.helmChart',
      options,
      HELM_CHART,
    );
    const labels = { app: release, istio: release.replace(/^istio-/, '') };
    return new GatewayInstallation({
      ...common,
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
    const { name = 'istio-egressgateway', ...common } = readOptions(
      'GatewayInstallation.istioOperator',
      options,
      ISTIO_OPERATOR,
    );
    const labels = { app: 'istio-egressgateway', istio: 'egressgateway' };
    return new GatewayInstallation({
      ...common,
      name,
      labels,
      serviceAccountName: `${name}-service-account`,
      targetPort: 8443,
    });
  }

  /**
   * Your own Deployment, into which Istio injects the `gateway` template.
   *
   * @example
   * const installation = GatewayInstallation.deployment({
   *   name: 'exit',
   *   namespace: 'egress-gateways',
   *   labels: { app: 'exit' },
   *   serviceAccountName: 'exit',
   * });
   * new InstalledEgressGateway(chart, 'installed', { installation });
   * @see https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway
   */
  public static deployment(options: DeploymentGatewayOptions): GatewayInstallation {
    return new GatewayInstallation(readOptions('GatewayInstallation.deployment', options, DEPLOYMENT));
  }

  /**
   * Installed by an `EgressGateway` of this library in another app. In the same app pass the construct itself.
   */
  public static egressGateway(options: EgressGatewayInstallationOptions): GatewayInstallation {
    const { name = 'egress-gateway', ...others } = readOptions(
      'GatewayInstallation.egressGateway',
      options,
      EGRESS_GATEWAY,
    );
    return new GatewayInstallation({
      ...others,
      name,
      labels: { [GATEWAY_LABEL]: gatewayLabel(name, others.namespace) },
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

  /** The port on which the pods listen for traffic from sidecars. */
  public readonly targetPort: number;

  /** Whether the gateway is known to refuse everything that is not granted (`EgressGateway.lockdown()`). */
  public readonly lockedDown: boolean;

  /** The mesh's trust domain. */
  public readonly trustDomain: string;

  /** The domain of Kubernetes Services. */
  public readonly clusterDomain: string;

  private constructor(options: DeploymentGatewayOptions & { readonly lockedDown?: boolean }) {
    this.name = options.name;
    this.namespace = options.namespace;
    this.labels = { ...options.labels };
    this.serviceAccountName = options.serviceAccountName;
    this.targetPort = options.targetPort ?? 8443;
    this.lockedDown = options.lockedDown ?? false;
    this.trustDomain = options.trustDomain ?? DEFAULT_CLUSTER_DOMAIN;
    this.clusterDomain = options.clusterDomain ?? DEFAULT_CLUSTER_DOMAIN;
    brand(this, 'GatewayInstallation');
  }

  /** The name of the hop Service, through which sidecars reach the gateway. */
  public get hopServiceName(): string {
    return `${this.name}${HOP_SUFFIX}`;
  }

  /** The full name of that Service. */
  public get hopServiceHost(): string {
    return serviceHost(this.hopServiceName, this.namespace, this.clusterDomain);
  }

  /** The SPIFFE ID in the gateway's mesh certificate. Sidecars accept no other on the way to the gateway. */
  public get spiffeId(): string {
    return `spiffe://${this.trustDomain}/ns/${this.namespace}/sa/${this.serviceAccountName}`;
  }
}

function assertGatewayName(name: string): void {
  assertDnsLabel(name, 'name of a gateway');
  const longest = 63 - HOP_SUFFIX.length;
  if (name.length > longest)
    throw new Error(
      `"${name}" is ${name.length} characters long; its hop Service is called "<name>${HOP_SUFFIX}", so a name ` +
        `may have at most ${longest}`,
    );
}

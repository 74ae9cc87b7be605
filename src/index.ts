// Constructs
export {
  RegistryOnlyMesh,
  RegistryOnlyMeshProps,
  WorkloadSelection,
  MeshHelmValuesOptions,
} from './constructs/registry-only-mesh';
export { CommonEgressProps } from './constructs/egress-props';
export { Egress, TlsOrigination, TlsOriginationProps } from './constructs/egress';
export { SidecarEgress, SidecarEgressProps } from './constructs/sidecar-egress';
export { TlsOriginationOptions, TlsVersion } from './constructs/tls-origination-options';
export { GatewayEgress, GatewayEgressProps, GatewayHttp, GatewayRefusal } from './constructs/gateway-egress';
export { IEgressGateway } from './constructs/i-egress-gateway';
export { InstalledEgressGateway, InstalledEgressGatewayProps } from './constructs/installed-egress-gateway';
export {
  EgressGatewayProps,
  EgressGatewayResources,
  EgressGatewayScaling,
  EgressGatewayToleration,
} from './constructs/egress-gateway-props';
export { EgressGateway } from './constructs/egress-gateway';
export { ProxySelection } from './constructs/proxy-selection';
export { RefusalLog, RefusalLogProps } from './constructs/refusal-log';
export { NoTraceContext } from './constructs/no-trace-context';
export { BoundaryDns, BoundaryAllowedEgress, EgressBoundaryProps } from './constructs/egress-boundary-props';
export { EgressBoundary } from './constructs/egress-boundary';
export { EgressGuard, EgressGuardProps, GuardMode } from './constructs/egress-guard';
export { DirectEgress, DirectEgressProps } from './constructs/direct-egress';
export { ApplyOrder, FluxOrderOptions } from './constructs/apply-order';

// Anybody's manifests
export { LintPlugin, LintPluginProps } from './lint/plugin';

// Values
export { Caller, ServiceAccountCallerOptions } from './values/caller';
export { CertificateAuthority } from './values/certificate-authority';
export { ClientCertificate } from './values/client-certificate';
export { EgressPort, EgressProtocol } from './values/egress-port';
export {
  DeploymentGatewayOptions,
  EgressGatewayInstallationOptions,
  GatewayInstallation,
  GatewayInstallationOptions,
  HelmChartGatewayOptions,
  IstioOperatorGatewayOptions,
} from './values/gateway-installation';
export {
  EgressConnectionPool,
  EgressLoadBalancing,
  EgressOutlierDetection,
  EgressResolution,
  EgressRetries,
} from './values/traffic-options';

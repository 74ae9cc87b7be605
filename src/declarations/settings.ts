import { IstioProtocol } from '../istio/protocols';
import { HOST_ANNOTATION } from '../values/host-annotation';
import { EgressLoadBalancing, EgressResolution } from '../values/traffic-options';

/** The options of one declaration as plain data. Two declarations of the same egress path agree if they are equal. */
export interface EgressPathSettings {
  readonly ports: PortSettings[];
  readonly dnsCapture: boolean;
  /** The addresses that applications dial, if given. */
  readonly addresses?: string[];
  readonly timeout?: string;
  readonly retries?: { attempts: number; perTryTimeout?: string; retryOn?: string };
  readonly policy?: TrafficPolicy;
  readonly removeHeaders: string[];
  readonly unsafeKeepHeaders: string[];
  /** The hosts and endpoints inside the cluster or the machine. */
  readonly unsafeInternalHosts: { readonly hosts: string[]; readonly endpoints: string[] };
  readonly namePrefix?: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

export interface SidecarEgressPathSettings extends EgressPathSettings {
  readonly resolution: EgressResolution;
  readonly endpoints?: string[];
  readonly unsafeSharedDomains: boolean;
}

export interface GatewayEgressPathSettings extends EgressPathSettings {
  /** Whether plain HTTP crosses the gateway as opaque bytes, parsed by the sidecar only. */
  readonly opaque: boolean;
  /** The set of callers whose policy answers all others with 403. Without it, the servers themselves refuse. */
  readonly forbiddenExcept?: string;
}

export interface PortSettings {
  readonly number: number;
  readonly name: string;
  /** As manifests have it. */
  readonly protocol: IstioProtocol;
  readonly http: boolean;
}

/** The part of a DestinationRule's traffic policy that may be given for each port, in Istio's form. */
export interface TrafficPolicy {
  readonly connectionPool?: {
    readonly tcp?: { readonly maxConnections?: number; readonly connectTimeout?: string };
    readonly http?: {
      readonly http1MaxPendingRequests?: number;
      readonly maxRequestsPerConnection?: number;
      readonly idleTimeout?: string;
    };
  };
  readonly outlierDetection?: {
    readonly consecutive5xxErrors?: number;
    readonly consecutiveGatewayErrors?: number;
    readonly interval?: string;
    readonly baseEjectionTime?: string;
    readonly maxEjectionPercent?: number;
  };
  readonly loadBalancer?: { readonly simple: EgressLoadBalancing };
}

/** Everything that weakens a promise is written under this annotation on the objects concerned. */
export const UNSAFE_ANNOTATION = 'cdk8s-istio-egress/unsafe';

/**
 * The annotations of an object that is for one host.
 *
 * @param more what else weakens a promise
 */
export function annotationsFor(
  host: string,
  { annotations, unsafeKeepHeaders, unsafeInternalHosts: { hosts, endpoints } }: EgressPathSettings,
  more: string[] = [],
): Record<string, string> {
  const internal = [...hosts.filter((one) => one === host), ...endpoints];
  const unsafe = [
    annotations[UNSAFE_ANNOTATION] ?? [],
    unsafeKeepHeaders.length > 0 ? `keeps headers: ${unsafeKeepHeaders.join(', ')}` : [],
    internal.length > 0 ? `internal host: ${internal.join(', ')}` : [],
    more,
  ].flat();
  return {
    [HOST_ANNOTATION]: host,
    ...annotations,
    ...(unsafe.length > 0 && { [UNSAFE_ANNOTATION]: unsafe.join('; ') }),
  };
}

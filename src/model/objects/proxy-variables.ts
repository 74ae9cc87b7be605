import { PROXY_CONTAINER } from '../../istio/injection';
import { PodTemplateSpec } from '../../istio/pod-templates';
import { ProxyConfig, proxyConfigIn, unreadableFields } from './proxy-config';
import { listOf } from '../../values/list-of';

/** Variables of a proxy that decide nothing of what it is given, or that the injector writes itself. */
const HARMLESS: ReadonlySet<string> = new Set(
  [
    'EXIT_ON_ZERO_ACTIVE_CONNECTIONS MINIMUM_DRAIN_DURATION TERMINATION_DRAIN_DURATION_SECONDS GODEBUG GOMAXPROCS',
    'GOMEMLIMIT ISTIO_DELTA_XDS HOST_IP INSTANCE_IP ISTIO_CPU_LIMIT ISTIO_KUBE_APP_PROBERS ISTIO_PROMETHEUS_ANNOTATIONS POD_NAME',
    'REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION TRUST_DOMAIN',
    ...[
      'APP_CONTAINERS CLUSTER_ID DNS_AUTO_ALLOCATE HTTP10 IDLE_TIMEOUT INBOUND_LISTENER_EXACT_BALANCE MESH_ID NODE_NAME',
      'OUTBOUND_LISTENER_EXACT_BALANCE OWNER POD_PORTS WORKLOAD_NAME',
    ].map((names) => names.replace(/\w+/g, 'ISTIO_META_$&')),
  ].flatMap((names) => names.split(' ')),
);

/** Variables that the model reads where the configuration of a proxy has them. */
export const VARIABLES_READ: readonly string[] = ['ISTIO_META_DNS_CAPTURE', 'ISTIO_DUAL_STACK'];

/** Variables that are harmless with these values, and those that are without any: they refer to a field of the pod. */
const AS_INJECTED: Readonly<Record<string, RegExp | undefined>> = {
  CA_ADDR: /^istiod(-[-a-z0-9]+)?\.istio-system\.svc(\.[-.a-z0-9]+)?:15012$/,
  ISTIO_META_INTERCEPTION_MODE: /^(REDIRECT|TPROXY)$/,
  JWT_POLICY: /^third-party-jwt$/,
  PILOT_CERT_PROVIDER: /^istiod$/,
  POD_NAMESPACE: undefined,
  SERVICE_ACCOUNT: undefined,
};

/** Programs that watch a process are told by variables of these names where to report. */
const OF_OTHERS = /^(AWS|AZURE|DD|OTEL)_/;

/** A variable of a proxy of which it is unknown what it does. */
export interface UnknownVariable {
  readonly name: string;
  /** Where the container is that has it, below the pod template; undefined in the pod's own configuration. */
  readonly container?: readonly (string | number)[];
}

/**
 * The variables by which a pod template tells its proxy something that the model does not know: in the configuration of
 * the proxy, or in a container that the template writes in place of the injector, which lays the one over the other.
 *
 * @param known others that are known in the configuration, and in the container
 */
export function unknownVariables(
  template: PodTemplateSpec | undefined,
  { proxyMetadata }: ProxyConfig,
  known: { readonly configured: readonly string[]; readonly contained: readonly string[] },
): UnknownVariable[] {
  const configured = Object.entries(proxyMetadata ?? {})
    .filter(([name, value]) => !known.configured.includes(name) && !isKnown(name, value))
    .map(([name]) => ({ name }));
  const contained = (['containers', 'initContainers'] as const).flatMap((list) =>
    listOf(template?.spec?.[list]).flatMap((own, index) => {
      if (own?.name !== PROXY_CONTAINER) return [];
      const names = listOf(own.env)
        .filter((one) => !known.contained.includes(one?.name ?? '') && !isKnown(one?.name ?? '', one?.value))
        .map((one) => one?.name ?? 'env');
      const isFilled = [own.envFrom ?? []].flat().length > 0;
      return [...(isFilled ? ['envFrom'] : []), ...names].map((name) => ({ name, container: ['spec', list, index] }));
    }),
  );
  return [...configured, ...contained];
}

function isKnown(name: string, value: unknown): boolean {
  if (name === 'PROXY_CONFIG') {
    const config = proxyConfigIn(String(value ?? ''));
    if (config === undefined || unreadableFields(config).length > 0) return false;
    return Object.keys(config).every((key) => key === 'concurrency' || key === 'tracing');
  }
  if (Object.hasOwn(AS_INJECTED, name)) return AS_INJECTED[name]?.test(String(value)) ?? value === undefined;
  return HARMLESS.has(name) || OF_OTHERS.test(name);
}

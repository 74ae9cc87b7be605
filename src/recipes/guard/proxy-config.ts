/**
 * What the configuration of a proxy may say: in the annotation by which a pod asks for it, and in the variable that the
 * injector makes of it and of the settings of the mesh. Its agent reads both as YAML, with both spellings of a field.
 */
import { inPattern, words } from './cel';
import type { GuardFacts } from './policy';

/** Settings of a pod's own, wherever they are. What is not here could capture otherwise, obey or report elsewhere. */
export const POD_SETTINGS = words(
  'concurrency drainDuration terminationDrainDuration holdApplicationUntilProxyStarts image imageType proxyMetadata ' +
    'proxyStatsMatcher inclusionPrefixes inclusionRegexps inclusionSuffixes extraStatTags tracing sampling ' +
    'maxPathTagLength zipkin datadog tlsSettings mode gatewayTopology forwardClientCertDetails numTrustedProxies',
);

/** More of `defaultConfig` of the mesh. */
const MESH_SETTINGS = words(
  'meshId serviceCluster statNameLength statsCompression statusPort tracingServiceName fileFlushInterval ' +
    'fileFlushMinSizeKb enableIstioTags customTags defaultValue environment header literal name value runtimeValues ' +
    'envoyAccessLogService envoyMetricsService tcpKeepalive probes time interval privateKeyProvider cryptomb fallback ' +
    'pollDelay qat proxyHeaders attemptCount envoyDebugHeaders forwardedClientCert metadataExchangeHeaders ' +
    'preserveHttp1HeaderCase requestId server disabled enabled xForwardedHost xForwardedPort ' +
    'setCurrentClientCertDetails cert chain dns subject uri',
);

/** Variables of the sidecar that a pod may set. */
export const POD_VARIABLES = words(
  'EXIT_ON_ZERO_ACTIVE_CONNECTIONS MINIMUM_DRAIN_DURATION ISTIO_META_DNS_AUTO_ALLOCATE ISTIO_META_DNS_CAPTURE ' +
    'ISTIO_META_HTTP10 ISTIO_META_IDLE_TIMEOUT ISTIO_META_INBOUND_LISTENER_EXACT_BALANCE ' +
    'ISTIO_META_OUTBOUND_LISTENER_EXACT_BALANCE',
);

/** More that a mesh has for all of them. */
export const MESH_VARIABLES = words(
  'DNS_FORWARD_PARALLEL ECC_CURVE ECC_SIGNATURE_ALGORITHM ENABLE_PROBE_KEEPALIVE_CONNECTIONS INVALID_DROP ' +
    'ISTIO_DELTA_XDS ISTIO_ENABLE_HTTP2_PROBING ISTIO_META_CERT_SIGNER ISTIO_META_ENABLE_HBONE ' +
    'ISTIO_META_REQUESTED_NETWORK_VIEW METRICS_LOCALHOST_ACCESS_ONLY PEER_METADATA_DISCOVERY SECRET_GRACE_PERIOD_RATIO ' +
    'SECRET_TTL WASM_HTTP_REQUEST_MAX_RETRIES WASM_HTTP_REQUEST_TIMEOUT WASM_MODULE_EXPIRY WASM_PURGE_INTERVAL ' +
    'WORKLOAD_RSA_KEY_SIZE',
);

const oneOf = (forms: readonly string[]) => `(${forms.join('|')})`;
const domain = ({ clusterDomain }: GuardFacts) => `([.]${inPattern(clusterDomain)}[.]?)?`;

/** A Service in a namespace of the platform. */
export const ofPlatform = (facts: GuardFacts) =>
  `[-a-z0-9]+[.]${oneOf(facts.platformNamespaces)}[.]svc${domain(facts)}`;

/** A name by which a proxy could find something in the cluster. With one label its own names decide. */
export const inCluster = (facts: GuardFacts, namespaces = facts.platformNamespaces) =>
  `(localhost|[-a-z0-9]+[.]${oneOf([...namespaces, `[-a-z0-9]+[.]svc${domain(facts)}`])})`;

const ADDRESS = '(address|statsd(U|_u)dp(A|_a)ddress)';
/** Where the variable has an address with a name to look up. */
export const REPORTS_BY_NAME = `"${ADDRESS}"\\s*:\\s*"[-a-z0-9]+[.][-.a-z0-9]*[a-z]`;
/** What leads nowhere but to the pod and its node. */
const HERE = '([$][(]HOST_IP[)]|localhost|127[.]0[.]0[.]1)';

/**
 * The annotation: no colon but behind the name of a setting, and none in values. So nothing is a setting that does not
 * look like one, however the text is quoted, folded or nested; `\` and `!` could make other texts of what is written.
 */
export function podConfig({ proxyVariables }: GuardFacts): string {
  const settings = POD_SETTINGS.map((name) =>
    name.replace(/[A-Z]/g, (letter) => `(${letter}|_${letter.toLowerCase()})`),
  );
  const begins = '(^|[\\s{,"\'])';
  const address = `${ADDRESS}["']?: *["']?${HERE}:[0-9]+([\\s,}"']|$)`;
  return `^([\\t\\r\\n "-9;-\\[\\]-~]|${begins}(${oneOf([...settings, ...POD_VARIABLES, ...proxyVariables])}["']? *:|${address}))*$`;
}

/**
 * The variable: JSON, with texts that need no escape but for `<`, `>` and `&`; its agent writes some of them into the
 * bootstrap of Envoy as they are. What the mesh has its proxies report to is in the cluster: with two labels it could be
 * a host's, unless the second is a namespace of the platform; no domain at the top has `-` in it, but `xn--`.
 */
export function proxyConfig(facts: GuardFacts): string {
  const namespaces = facts.platformNamespaces.filter((name) => name.includes('-') && !name.startsWith('xn--'));
  const settings = [...POD_SETTINGS, ...MESH_SETTINGS, ...POD_VARIABLES, ...MESH_VARIABLES, ...facts.proxyVariables];
  // Without `$(`, by which Kubernetes puts other variables in.
  const quoted = (sign: string) => `"[(]*([$]*(${sign})[(]*)*[$]*"`;
  const plain = '[^"\\\\\\r\\n$(]|\\\\u003[ce]|\\\\u0026';
  const text = quoted(plain);
  const regexp = quoted(`${plain}|\\\\["\\\\/bfnrt]`);
  const collector = `(${HERE}|${inCluster(facts, namespaces)}):[0-9]+`;
  return (
    '^\\s*[{](' +
    [
      '[\\s{}\\[\\],]',
      `"${oneOf(settings)}"\\s*:`,
      `"${ADDRESS}"\\s*:\\s*"${collector}"`,
      `"(discovery(A|_a)ddress|CA_ADDR)"\\s*:\\s*"${ofPlatform(facts)}:[0-9]+"`,
      '"interceptionMode"\\s*:\\s*"(REDIRECT|TPROXY)"',
      '"ISTIO_DUAL_STACK"\\s*:\\s*"true"',
      `"inclusionRegexps"\\s*:\\s*\\[(${regexp}[,\\s]*)*\\]`,
      // Tags of traces, and values of Envoy's runtime, have names of their own.
      `"[-_.a-zA-Z0-9]+"\\s*:\\s*[{]\\s*"(environment|header|literal)"\\s*:`,
      '"(envoy|overload|re2)[.][._a-z0-9]+"\\s*:',
      // Behind a value is what ends it: else YAML could take it for a part of another.
      `(${text}|[-+.0-9eE]+|true|false|null)\\s*[,\\]}]`,
    ].join('|') +
    ')*$'
  );
}

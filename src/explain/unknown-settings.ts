import { COMMANDS } from '../istio/envoy';
import { ProxyConfig, unreadableVariables } from '../model/objects/proxy-config';
import { unknownVariables, VARIABLES_READ } from '../model/objects/proxy-variables';

/** Values that leave a setting as it is by default, as the model takes it to be. */
const OFF = /^(false|)$/i;
const ON = /^(true|)$/i;
const EMPTY = /^$/;
const NOTHING = /^(\{\}|\[\])?$/;
const SECONDS = /^([1-9]\d*(\.\d+)?s)?$/;
/** Formats of access logs with commands that Envoy knows, and files that it can open. */
const KNOWN_LOG = new RegExp(
  `^((?!"envoyFileAccessLog":{[^}]*"path":"(?!/dev/std(out|err)"))[^%]|%%|%(${COMMANDS}|REQ_WITHOUT_QUERY\\([\\w:?-]+\\))(:\\d+)?%)*$`,
);
/** Versions and ciphers that Envoy takes, and clients have. */
const KNOWN_TLS =
  /^(\{("minProtocolVersion":"TLS(_AUTO|V1_[23])",?|"cipherSuites":\[("ECDHE-(RSA|ECDSA)-AES(128-GCM-SHA256|256-GCM-SHA384)",?)*\],?)*\})?$/;

/** Settings that may decide an answer and that the model does not know, by their place in Helm values. */
export const SETTINGS: readonly (readonly [place: string, usual: RegExp])[] = [
  ['meshConfig.h2UpgradePolicy', /^(DO_NOT_UPGRADE|)$/],
  ['meshConfig.enableAutoMtls', ON],
  ['meshConfig.defaultTrafficPolicy', NOTHING],
  ['meshConfig.localityLbSetting.distribute', NOTHING],
  ['meshConfig.connectTimeout', SECONDS],
  ['meshConfig.dnsRefreshRate', SECONDS],
  [
    'meshConfig.defaultHttpRetryPolicy',
    /^(\{(("attempts":\d+|"retryOn":"[\w,-]*"|"perTryTimeout":"[1-9]\d*(\.\d+)?s"),?)*\})?$/,
  ],
  // What Linux takes: less than 10,000 s and 100 probes.
  ['meshConfig.tcpKeepalive', /^(\{(("(time|interval)":"\d{1,4}s"|"probes":\d{1,2}),?)*\})?$/],
  // istiod leaves out the whole configuration for a word that it does not know in one of these places.
  ['meshConfig.accessLogEncoding', /^(TEXT|JSON|)$/],
  ['meshConfig.ingressControllerMode', /^(UNSPECIFIED|OFF|DEFAULT|STRICT|)$/],
  ['meshConfig.inboundTrafficPolicy', /^(\{("mode":"(LOCALHOST|PASSTHROUGH)")?\})?$/],
  [
    'meshConfig.defaultConfig.tracingServiceName',
    /^(APP_LABEL_AND_NAMESPACE|CANONICAL_NAME_ONLY|CANONICAL_NAME_AND_NAMESPACE|)$/,
  ],
  ['meshConfig.accessLogFile', /^(\/dev\/std(out|err))?$/],
  ['meshConfig.accessLogFormat', KNOWN_LOG],
  ['meshConfig.extensionProviders', KNOWN_LOG],
  ['meshConfig.tlsDefaults', KNOWN_TLS],
  ['meshConfig.meshMTLS', KNOWN_TLS],
  ['meshConfig.defaultConfig.interceptionMode', /^(REDIRECT|TPROXY|)$/],
  ['meshConfig.defaultConfig.gatewayTopology.proxyProtocol', EMPTY],
  ['meshConfig.defaultConfig.runtimeValues', NOTHING],
  ['meshConfig.defaultConfig.connectionSettings', NOTHING],
  ['meshConfig.defaultConfig.privateKeyProvider', NOTHING],
  ['global.meshNetworks', NOTHING],
  ['global.proxy.includeIPRanges', /^\*?$/],
  ['global.proxy.excludeIPRanges', EMPTY],
  ['global.proxy.excludeOutboundPorts', EMPTY],
  ['global.proxy.autoInject', /^(enabled|)$/],
  ['sidecarInjectorWebhook.neverInjectSelector', NOTHING],
  ['sidecarInjectorWebhook.injectedAnnotations', NOTHING],
  ['sidecarInjectorWebhook.defaultTemplates', NOTHING],
  ['sidecarInjectorWebhook.templates', NOTHING],
  ['compatibilityVersion', EMPTY],
  ['pilot.env.SHARED_MESH_CONFIG', EMPTY],
  ['pilot.env.ISTIO_WATCH_NAMESPACE', EMPTY],
  ['pilot.env.PILOT_IGNORE_RESOURCES', EMPTY],
  ['pilot.env.PILOT_HTTP10', OFF],
  ['pilot.env.PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES', OFF],
  ['pilot.env.PILOT_ENABLE_ALPN_FILTER', ON],
  ['pilot.env.PILOT_ENABLE_IP_AUTOALLOCATE', ON],
  ['pilot.env.PILOT_ENABLE_SERVICEENTRY_SELECT_PODS', ON],
  ['pilot.env.PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES', ON],
  ['pilot.env.PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE', ON],
  ['pilot.env.PILOT_UNIFIED_SIDECAR_SCOPE', ON],
  ['pilot.env.ENABLE_ENHANCED_DESTINATIONRULE_MERGE', ON],
];

/** Where istiod takes true and false, and with a text in their place none of the configuration. */
const BOOLEANS = [
  ...['enableAutoMtls', 'enablePrometheusMerge', 'enableTracing', 'disableEnvoyListenerLog'],
  ...['enableEnvoyAccessLogService', 'defaultConfig.holdApplicationUntilProxyStarts'],
].map((name) => `meshConfig.${name}`);

/** The settings of a mesh, as Helm values have them, that the model does not know and that may decide an answer. */
export function unknownSettings(values: object): string[] {
  const places = [
    ...SETTINGS.filter(([place, usual]) => !usual.test(textAt(values, place))).map(([place]) => place),
    ...BOOLEANS.filter((place) => typeof valueAt(values, place) === 'string'),
  ];
  const proxyMetadata = valueAt(values, VARIABLES) as ProxyConfig['proxyMetadata'];
  const known = { configured: VARIABLES_READ, contained: [] };
  const variables = unknownVariables(undefined, { proxyMetadata }, known).map(({ name }) => name);
  const names = new Set([...variables, ...unreadableVariables({ proxyMetadata })]);
  return [...places, ...[...names].map((name) => `${VARIABLES}.${name}`)];
}

const VARIABLES = 'meshConfig.defaultConfig.proxyMetadata';

function textAt(values: object, place: string): string {
  const value = valueAt(values, place);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
}

function valueAt(values: object, place: string): unknown {
  return place.split('.').reduce<unknown>((one, name) => (one as Record<string, unknown> | null)?.[name], values);
}

import { COMMANDS, hasUnknownCommand, LOG_COMMANDS, OF_HEADER } from '../istio/envoy';
import { ProxyConfig, UNKNOWN_FIELDS, unreadableFields, unreadableVariables } from '../model/objects/proxy-config';
import { unknownVariables, VARIABLES_READ } from '../model/objects/proxy-variables';
import { listOf } from '../values/list-of';

/** Values that leave a setting as it is by default, as the model takes it to be. */
const OFF = /^(false|)$/i;
const ON = /^(true|)$/i;
const EMPTY = /^$/;
const NOTHING = /^(\{\}|\[\])?$/;
const SECONDS = /^([1-9]\d*(\.\d+)?s)?$/;
/** Files that Envoy can open. */
const KNOWN_FILE = /^(\/dev\/std(out|err))?$/;
/** Formats of access logs with commands that Envoy knows. */
const KNOWN_FORMAT = new RegExp(`^([^%]|%%|%(${COMMANDS}|${LOG_COMMANDS}|REQ_WITHOUT_QUERY${OF_HEADER})%)*$`);
/** Versions and ciphers that Envoy takes, and clients have. */
const KNOWN_TLS =
  /^(\{("minProtocolVersion":"TLS(_AUTO|V1_[23])",?|"cipherSuites":\[("ECDHE-(RSA|ECDSA)-AES(128-GCM-SHA256|256-GCM-SHA384)",?)*\],?)*\})?$/;

/** Settings that may decide an answer and that the model does not know, by their place in Helm values. */
export const SETTINGS: readonly (readonly [place: string, usual: RegExp | ((value: unknown) => boolean)])[] = [
  ['meshConfig.h2UpgradePolicy', /^(DO_NOT_UPGRADE|)$/],
  ['meshConfig.enableAutoMtls', ON],
  ['meshConfig.defaultTrafficPolicy', NOTHING],
  ['meshConfig.localityLbSetting.distribute', NOTHING],
  ['meshConfig.connectTimeout', SECONDS],
  ['meshConfig.dnsRefreshRate', SECONDS],
  [
    'meshConfig.defaultHttpRetryPolicy',
    /^(\{(("attempts":\d+|"retryOn":"[\w, -]*"|"perTryTimeout":"[1-9]\d*(\.\d+)?s"),?)*\})?$/,
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
  ['meshConfig.accessLogFile', KNOWN_FILE],
  ['meshConfig.accessLogFormat', isKnownFormat],
  ['meshConfig.extensionProviders', (value) => listOf(value as unknown[]).every(isKnownProvider)],
  ['meshConfig.tlsDefaults', KNOWN_TLS],
  ['meshConfig.meshMTLS', KNOWN_TLS],
  ['meshConfig.defaultConfig.interceptionMode', /^(REDIRECT|TPROXY|)$/],
  ['meshConfig.defaultConfig.gatewayTopology.proxyProtocol', EMPTY],
  ['meshConfig.defaultConfig.proxyHeaders.preserveHttp1HeaderCase', OFF],
  ...UNKNOWN_FIELDS.map((name) => [`meshConfig.defaultConfig.${name}`, NOTHING] as const),
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

/** Where istiod takes true and false, and with anything else none of the configuration. */
const BOOLEANS =
  /^(enable\w+|disable\w+|allowPartialMessage|applyToSidecars|cert|chain|clearRouteCache|clusterLocal|debug|dns|failOpen|fallback|httpMergeSlashes|insecureSkipVerify|istiodSide|omitEmptyValues|packAsBytes|subject|uri|verifyCertificateAtClient)$/;

/** What has names that users choose. */
export const MAPS = /^(includeAdditionalHeadersInCheck|labels|matchLabels|proxyMetadata|runtimeValues)$/;

/** The settings of a mesh, as Helm values have them, that the model does not know and that may decide an answer. */
export function unknownSettings(values: object): string[] {
  const places = SETTINGS.filter(([place, usual]) =>
    typeof usual === 'function' ? !usual(valueAt(values, place)) : !usual.test(textAt(values, place)),
  ).map(([place]) => place);
  const config = (valueAt(values, DEFAULT_CONFIG) ?? {}) as ProxyConfig;
  const { proxyMetadata } = config;
  const known = { configured: VARIABLES_READ, contained: [] };
  const variables = unknownVariables(undefined, { proxyMetadata }, known).map(({ name }) => name);
  const names = new Set([...variables, ...unreadableVariables({ proxyMetadata })]);
  return [
    ...new Set([
      ...places,
      ...textsForBooleans(valueAt(values, 'meshConfig'), 'meshConfig'),
      ...unreadableFields(config).map((name) => `${DEFAULT_CONFIG}.${name}`),
      ...[...names].map((name) => `${DEFAULT_CONFIG}.proxyMetadata.${name}`),
    ]),
  ];
}

function isKnownProvider(provider: unknown): boolean {
  return KNOWN_FILE.test(textAt(Object(provider), 'envoyFileAccessLog.path')) && hasKnownFormats(provider);
}

/** Whether Envoy knows this format, also where istiod reads it as JSON. */
function isKnownFormat(format: unknown): boolean {
  const text = String(format ?? '');
  try {
    return hasKnownFormats(JSON.parse(text), 'labels') && KNOWN_FORMAT.test(text);
  } catch {
    return KNOWN_FORMAT.test(text);
  }
}

/** Of an access log, only texts and labels that are in no other one have the commands of logs. */
function hasKnownFormats(value: unknown, within = ''): boolean {
  return Object.entries(value ?? {}).every(([name, one]) =>
    typeof one !== 'string'
      ? hasKnownFormats(one, name)
      : name === 'text' || within === 'labels'
        ? KNOWN_FORMAT.test(one)
        : !hasUnknownCommand(one),
  );
}

function textsForBooleans(value: unknown, place: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    const at = Array.isArray(value) ? place : `${place}.${name}`;
    if (BOOLEANS.test(name) && ['string', 'number'].includes(typeof one)) return [at];
    return MAPS.test(name) ? [] : textsForBooleans(one, at);
  });
}

const DEFAULT_CONFIG = 'meshConfig.defaultConfig';

function textAt(values: object, place: string): string {
  const value = valueAt(values, place);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
}

function valueAt(values: object, place: string): unknown {
  return place.split('.').reduce<unknown>((one, name) => (one as Record<string, unknown> | null)?.[name], values);
}

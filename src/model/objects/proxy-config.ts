import { parse } from 'yaml';
import { PROXY_CONFIG } from '../../istio/injection';
import { isDuration } from '../../schema/durations';

/** What is read of the configuration that a pod gives its own proxy. */
export interface ProxyConfig {
  readonly interceptionMode?: unknown;
  readonly discoveryAddress?: unknown;
  readonly customConfigFile?: unknown;
  readonly proxyBootstrapTemplatePath?: unknown;
  readonly proxyHeaders?: {
    readonly envoyDebugHeaders?: { readonly disabled?: unknown } | null;
    readonly preserveHttp1HeaderCase?: unknown;
  } | null;
  readonly gatewayTopology?: { readonly proxyProtocol?: unknown } | null;
  readonly runtimeValues?: unknown;
  readonly connectionSettings?: unknown;
  readonly privateKeyProvider?: unknown;
  /** Variables of the proxy's container. */
  readonly proxyMetadata?: Readonly<Record<string, unknown>> | null;
}

/** The configuration in the annotations of a pod; undefined if it cannot be read. */
export function proxyConfigOf(annotations: Readonly<Record<string, string>> = {}): ProxyConfig | undefined {
  return proxyConfigIn(annotations[PROXY_CONFIG] ?? '');
}

/** Whether a proxy preserves the case of headers. */
export function keepsCase(config: ProxyConfig | undefined): boolean {
  return config?.proxyHeaders?.preserveHttp1HeaderCase === true;
}

/** What Istio reads as YAML, with names of fields in either spelling; undefined if it cannot be read. */
export function proxyConfigIn(text: string): ProxyConfig | undefined {
  try {
    const config: unknown = parse(text, (key, value) =>
      typeof value !== 'object' || value === null || Array.isArray(value) || key === 'proxyMetadata'
        ? value
        : spelt(value),
    );
    return typeof config === 'object' && config !== null ? config : {};
  } catch {
    return undefined;
  }
}

/** Whether it has a proxy configured by something else than the istiod of the mesh, or not as that does. */
export function isForeign(config: ProxyConfig): boolean {
  const { discoveryAddress, customConfigFile, proxyBootstrapTemplatePath, proxyMetadata } = config;
  return Boolean(
    discoveryAddress ?? customConfigFile ?? proxyBootstrapTemplatePath ?? proxyMetadata?.ISTIO_META_GENERATOR,
  );
}

/** Variables that are no text: a proxy with one does not start, and istiod reads no mesh configuration with one. */
export function unreadableVariables({ proxyMetadata }: ProxyConfig): string[] {
  return Object.entries(proxyMetadata ?? {}).flatMap(([name, value]) =>
    value === undefined || typeof value === 'string' ? [] : [name],
  );
}

/** Fields of any depth whose value is not of their type: Istio then reads nothing of the configuration. */
export function unreadableFields(config: object): string[] {
  return Object.entries(config).flatMap(([name, value]) => {
    if (value === null || name === 'proxyMetadata') return [];
    if (typeof value === 'object') return unreadableFields(value).map((field) => `${name}.${field}`);
    return TYPES.some(([names, fits]) => names.test(name) && !fits(value)) ? [name] : [];
  });
}

const TYPES: readonly (readonly [names: RegExp, fits: (value: unknown) => boolean])[] = [
  [
    /^(holdApplicationUntilProxyStarts|statsCompression|enableIstioTags|preserveHttp1HeaderCase|(en|dis)abled)$/,
    (value) => typeof value === 'boolean',
  ],
  [
    /^(concurrency|numTrustedProxies|maxPathTagLength|(proxyAdmin|status)Port|statNameLength|fileFlushMinSizeKb)$/,
    (value) => /^\d{1,9}$/.test(`${value}`),
  ],
  [/^sampling$/, (value) => Number.isFinite(Number(value))],
  [/^(fileFlushInterval|discoveryRefreshDelay|\w*[dD]rainDuration)$/, (value) => isDuration(`${value}`)],
];

/** Fields that change what a proxy does in ways that the model does not know. */
export function unknownFields(config: ProxyConfig, isGateway: boolean): string[] {
  const found: string[] = UNKNOWN_FIELDS.filter((name) => !/^(\{\}|null)$/.test(JSON.stringify(config[name] ?? null)));
  if (isGateway && config.gatewayTopology?.proxyProtocol) found.push('gatewayTopology.proxyProtocol');
  return found;
}

export const UNKNOWN_FIELDS = ['runtimeValues', 'connectionSettings', 'privateKeyProvider'] as const;

/** Fields as `interceptionMode`, also where they are `interception_mode`; variables are called in capitals. */
function spelt(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

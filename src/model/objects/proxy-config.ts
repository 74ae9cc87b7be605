import { parse } from 'yaml';
import { PROXY_CONFIG } from '../../istio/injection';

/** What is read of the configuration that a pod gives its own proxy. */
export interface ProxyConfig {
  readonly interceptionMode?: unknown;
  readonly discoveryAddress?: unknown;
  readonly customConfigFile?: unknown;
  readonly proxyBootstrapTemplatePath?: unknown;
  readonly proxyHeaders?: { readonly envoyDebugHeaders?: { readonly disabled?: unknown } | null } | null;
  /** Variables of the proxy's container. */
  readonly proxyMetadata?: Readonly<Record<string, unknown>> | null;
}

/**
 * The configuration in the annotations of a pod, which Istio reads as YAML, with names of fields in either spelling;
 * undefined if it cannot be read.
 */
export function proxyConfigOf(annotations: Readonly<Record<string, string>> = {}): ProxyConfig | undefined {
  const text = annotations[PROXY_CONFIG];
  if (text === undefined) return {};
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

/** Fields as `interceptionMode`, also where they are `interception_mode`; variables are called in capitals. */
function spelt(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
